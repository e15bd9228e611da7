"""What the pages say to type can be typed: commands, options, code, files of options."""

import importlib.util
import re
import subprocess
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from written import PAGES, ROOT, blocks, commands_of, flags_of

from effsearch.cli.commands import app
from effsearch.cli.run_command import Asked
from effsearch.nas.config import BaselineConfig
from effsearch.results.store.run import Run
from effsearch.search_spaces.space_file import load_space

LONG = {"baseline", "bench", "coefficients", "compare-scaling", "train"}
"""Commands that search or train: their options are checked to the last, and nothing is run."""

ONLY_PARSED = (
    "lut build", "--latency", "--target-latency", "doctor", "export", "gradcam", "report",
    "supernet train", "supernet evaluate", "supernet extract", "results scores",
    "--strategy greedy",
)  # fmt: skip
"""What measures this machine, starts Ray, or is run by `test_the_whole_way` on a real training; and
what needs the example's package, which `tests/nas/test_installed_strategy.py` installs."""

SPOKEN = {
    "ray",
    "kubectl",
    "sbatch",
    "source",
    "git",
    "cd",
    "pip",
    "optuna-dashboard",
    "pre-commit",
}
SPOKEN |= {"tensorboard", "twine"}
"""Other people's commands."""

OTHERS_FLAGS = {"--rehearse", "--strict", "--whole"}

_SAID: dict[tuple[str, ...], tuple[int, str]] = {}

ids = [page.relative_to(ROOT).as_posix() for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_can_be_typed(
    page: Path, say: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Asked, "result", _configured)
    for name in ("compare_strategies", "resume_bench"):  # their options are read before
        monkeypatch.setattr(f"effsearch.nas.bench.run.{name}", _not_run)
    for line, words in commands_of(page):
        problem = _problem(words, say)
        assert not problem, f"{page.name}:{line}: {' '.join(words)}: {problem}"


def _configured(asked: Asked, *_: Any) -> None:
    """In place of a search or a training: its options, or the run that it goes on with."""
    if asked.resume is not None:
        Run.open(asked.run_dir, asked.resume)
    else:
        asked.settings.make(*asked.sources)
    raise typer.Exit


def _not_run(*_: Any, **__: Any) -> None:
    raise typer.Exit


def _problem(words: list[str], say: Callable[..., tuple[int, str]]) -> str:
    command, *arguments = words
    if command == "effsearch":
        if _is_name(arguments):
            return ""
        draws_all = arguments[:2] == ["results", "plot"] and "--kind" not in arguments
        if draws_all or any(part in " ".join(arguments) for part in ONLY_PARSED):
            _parse(arguments)
            return ""
        if tuple(arguments) not in _SAID:  # pages repeat each other
            _SAID[tuple(arguments)] = say(*arguments)
        code, said = _SAID[tuple(arguments)]
        return said if code else ""
    if command == "make":
        return "" if set(arguments) <= _targets() else "no such target"
    if command == "python" and arguments[0] == "-m":
        return "" if importlib.util.find_spec(arguments[1]) else "no such module"
    if command == "python" or command.startswith("examples/"):
        file = arguments[0] if command == "python" else command
        return "" if (ROOT / file).is_file() else "no such file"
    files = [word for word in arguments if word.startswith("examples/")]
    missing = [file for file in files if not (ROOT / file).exists()]
    return "" if command in SPOKEN and not missing else f"what is {command}? {missing}"


def _is_name(words: list[str]) -> bool:
    """Whether they name a command, and give it nothing: then it is spoken of, not typed."""
    command: Any = typer.main.get_command(app)
    for word in words:
        command = getattr(command, "commands", {}).get(word)
    return command is not None and words[0] not in LONG


def _parse(arguments: list[str]) -> None:
    """Let the parser read a command line, and run nothing."""
    command: Any = typer.main.get_command(app)
    rest = list(arguments)
    while hasattr(command, "commands") and rest:
        command = command.commands[rest.pop(0)]
    command.make_context(arguments[0], rest)


@cache
def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_option_that_is_named_exists(page: Path) -> None:
    assert flags_of(page) - OTHERS_FLAGS <= _flags()


@cache
def _flags() -> set[str]:
    found: set[str] = set()
    waiting: list[Any] = [typer.main.get_command(app)]
    while waiting:
        command = waiting.pop()
        found |= {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
        waiting += getattr(command, "commands", {}).values()
    return found | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_yaml_and_bash_are_what_they_look_like(page: Path, tmp_path: Path) -> None:
    for block in blocks(page, "yaml"):
        document = yaml.safe_load(block.text) if "--8<--" not in block.text else {}
        if "stages" in document:
            path = tmp_path / "space.yaml"
            path.write_text(block.text)
            load_space(path)
        elif document:
            BaselineConfig.make(document)
    for block in blocks(page, "toml"):
        included = re.findall(r"--8<--\n(.+)\n--8<--", block.text)
        tomllib.loads((ROOT / included[0]).read_text() if included else block.text)
    for block in blocks(page, "bash"):
        subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)


def test_blocks_are_of_kinds_that_are_checked() -> None:
    known = {"sh", "bash", "python", "yaml", "toml", "text", "diff"}
    assert {block.language for page in PAGES for block in blocks(page)} <= known


def test_files_that_pages_include_exist() -> None:
    for page in PAGES:
        for block in blocks(page):
            for file in re.findall(r"--8<--\n(.+)\n--8<--", block.text):
                assert (ROOT / file).is_file(), f"{block.page}:{block.line}: {file}"


def test_the_readme_is_read_in_two_minutes() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150

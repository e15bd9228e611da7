"""Runs in a folder that cannot be written: looking works, writing says where to write instead."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from searched import search
from typer.testing import CliRunner, Result
from unprivileged import like_a_user

from effsearch.cli.commands import app
from effsearch.search_spaces.errors import EffsearchError

pytestmark = pytest.mark.slow  # together they take many seconds


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A run whose folder and all that is in it may only be read."""
    runs = tmp_path / "runs"
    run = Path(search(runs, 12).path)
    for path in (*run.iterdir(), run, run.parent, runs):
        path.chmod(0o555 if path.is_dir() else 0o444)
    with like_a_user():
        with pytest.raises(PermissionError):
            (run / "new").touch()
        yield runs
    run.chmod(0o755)


def call(root: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(app, [*arguments, "--run-dir", str(root)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize(
    "arguments",
    [
        ("ls",),
        ("show",),
        ("top",),
        ("pareto",),
        ("trial", "baseline/001", "0"),
        ("compare", "baseline/001"),
        ("export",),
        ("watch", "--once"),
    ],
)
def test_looking_needs_no_right_to_write(root: Path, arguments: tuple[str, ...]) -> None:
    assert call(root, "results", *arguments).stdout


def test_pictures_and_page_go_where_they_are_told(root: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    call(root, "results", "plot", "--kind", "front", "--output", str(there))
    call(root, "report", "--output", str(there / "report.html"))
    assert {path.name for path in there.iterdir()} == {"front.png", "report.html"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("results", "plot", "--kind", "front"),
        ("report",),
        ("results", "export", "--format", "tensorboard"),
        ("results", "watch", "--once", "--logger", "tensorboard"),
    ],
)
def test_what_would_be_written_there_names_another_place(
    root: Path, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(EffsearchError, match=r"cannot write .*--output"):
        call(root, *arguments)

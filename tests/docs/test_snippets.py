"""The README's whole way runs, each search and training at a tiny size, and every Python block."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from written import PAGES, ROOT, blocks


@pytest.fixture
def empty_folder(at_work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder without its runs."""
    folder = at_work.parent / "whole"
    folder.mkdir(exist_ok=True)
    if not (folder / "photos").exists():
        (folder / "photos").symlink_to(at_work / "photos")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.slow
def test_the_whole_way_in_shell(
    empty_folder: Path, at_small_size: None, say: Callable[..., tuple[int, str]],
) -> None:  # fmt: skip
    (whole,) = [block for block in blocks(ROOT / "README.md", "sh") if "gradcam" in block.text]
    for line in whole.text.splitlines():
        _, *arguments = shlex.split(line, comments=True)
        code, said = say(*arguments)
        assert code == 0, f"{line}: {said}"
    assert (empty_folder / "model.onnx").is_file()
    assert (empty_folder / "maps.png").is_file()


PYTHON = [page for page in PAGES if blocks(page, "python")]


@pytest.mark.slow
@pytest.mark.parametrize("page", PYTHON, ids=[page.name for page in PYTHON])
def test_python_blocks_run_in_turn(page: Path, prepared: None) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(page, "python"):
        if "--8<--" in block.text or block.info:
            continue  # files of the examples and of the worked examples, which have their tests
        exec(compile(block.text, f"{block.page}:{block.line}", "exec"), names)

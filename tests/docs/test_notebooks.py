"""The example notebooks run in a real kernel, on the tests' Ray, and show what they say."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from written import ROOT

BOOKS = sorted((ROOT / "examples").glob("*.ipynb"))

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("book", BOOKS, ids=[book.stem for book in BOOKS])
def test_the_notebook_runs(book: Path, tmp_path: Path, ray_address: str) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    notebook = nbformat.read(book, as_version=4)
    shown = _shown(notebook)
    for cell in notebook.cells:
        cell.source = cell.source.replace("quiet=True", f"quiet=True, ray_address={ray_address!r}")
        if "effsearch.train(" in cell.source:  # which needs no Ray
            cell.source = cell.source.replace(f", ray_address={ray_address!r}", "")
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert _shown(notebook) == shown


def _shown(notebook: nbformat.NotebookNode) -> list[tuple[list[str], str]]:
    """The kinds of output that each cell has, and its answer where that is yes or no."""
    kinds = []
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        values = [out["data"] for out in outputs if out["output_type"] == "execute_result"]
        flags = [text for data in values if (text := data["text/plain"]) in ("True", "False")]
        kinds.append(([*sorted({key for data in values for key in data})], " ".join(flags)))
    return kinds

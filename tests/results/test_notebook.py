"""The example notebook runs from top to bottom on a small search, and shows what it says."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from searched import search

NOTEBOOK = Path(__file__).parents[2] / "docs" / "results.ipynb"

pytestmark = pytest.mark.slow


def test_the_notebook_runs_on_a_search(tmp_path: Path) -> None:
    data = search(tmp_path / "runs", 30)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    outputs = [
        output.get("data", {})
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    text = "\n".join(output.get("text/plain", "") for output in outputs)
    assert "('baseline/001', 'finished')" in text
    assert all(kind in text for kind in ("Int64", "Float64", "string"))
    assert data.best is not None
    assert data.best.arch_id in text
    assert any("image/png" in output for output in outputs)


def test_no_output_is_committed() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)

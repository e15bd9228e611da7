"""What objects look like in a notebook, and pictures as functions."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from searched import search

import effsearch
from effsearch.results.store.run import Run


def test_networks_and_coefficients_are_tables() -> None:
    text = effsearch.load_zoo("efficientnet-b0")._repr_html_()
    assert text.count("<tr>") == 8
    assert "224 px, stem 32, head 1280, silu, 1000 classes" in text
    assert "1.92" in effsearch.Coefficients(1.2, 1.1, 1.15)._repr_html_()


def test_a_run_shows_how_it_stands_and_escapes_what_it_holds(tmp_path: Path) -> None:
    run = Run.load(Path(search(tmp_path / "runs", 10).path))
    run.record["command"] = ["effsearch", "<script>"]
    text = run._repr_html_()
    assert "run baseline/001" in text
    assert "finished" in text
    assert "&lt;script&gt;" in text
    assert "<script>" not in text


def test_pictures_are_figures(tmp_path: Path) -> None:
    data = search(tmp_path / "runs", 10)
    run = Run.load(Path(data.path))
    for figure in (
        effsearch.plots.front(run),
        effsearch.plots.progress("baseline/001", run_dir=tmp_path / "runs"),
        effsearch.plots.draw("heatmap", run),  # of which this run has nothing: it says so
    ):
        assert isinstance(figure, Figure)
    assert {"front", "progress", "draw"} <= set(dir(effsearch.plots))
    with pytest.raises(AttributeError, match="has no picture 'frunt'"):
        _ = effsearch.plots.frunt
    with pytest.raises(effsearch.EffsearchError, match="unknown plot 'frunt'"):
        effsearch.plots.draw("frunt", run)

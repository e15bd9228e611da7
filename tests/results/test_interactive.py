"""Pictures with plotly: the same marks as in print, and what each says under the pointer."""

import sys
from pathlib import Path

import large_runs
import pytest
from matplotlib.collections import PathCollection
from searched import search

import effsearch
from effsearch.results.drawing import draw, draw_interactive
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.errors import InputError, MissingResourceError

pytest.importorskip("plotly")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return large_runs.baseline(tmp_path_factory.mktemp("searched"), 40)


def trace(figure: object, name: str) -> dict[str, list[object]]:
    [found] = [one for one in figure.to_dict()["data"] if one["name"] == name][:1]  # type: ignore[attr-defined]
    return dict(found)


@pytest.mark.parametrize("name", ["front", "progress", "time"])
def test_every_network_is_a_mark_that_says_which_it_is(searched: RunData, name: str) -> None:
    marks = trace(draw_interactive(name, searched), "one network")
    assert len(marks["x"]) == len(searched.done)
    trial = searched.done[7]
    said = str(marks["hovertext"][7])
    assert said.startswith(f"trial {trial.number}: {100 * (trial.accuracy or 0):.2f}%")
    assert "MACs" in said
    assert trial.architecture.split()[0] in said


def test_the_marks_are_those_of_the_printed_picture(searched: RunData) -> None:
    marks = trace(draw_interactive("front", searched), "one network")
    [printed] = [
        one
        for one in draw("front", searched).axes[1].collections
        if isinstance(one, PathCollection) and one.get_label() == "one network"
    ]
    assert printed.get_offsets().tolist() == [  # type: ignore[union-attr]
        list(pair) for pair in zip(marks["x"], marks["y"], strict=True)
    ]


def test_the_surface_and_the_family_name_triples_and_members(tmp_path: Path) -> None:
    surface = trace(draw_interactive("heatmap", large_runs.coefficients(tmp_path)), "one triple")
    assert "α 1, β 1, γ 1.4" in str(surface["hovertext"])
    family = trace(draw_interactive("family", large_runs.family(tmp_path)), "this family")
    assert str(family["hovertext"][1]).startswith("phi1: 992.6M MACs, ")


def test_from_python_it_is_a_word_more(tmp_path: Path) -> None:
    run = effsearch.load_run(search(tmp_path, 12).path)
    assert type(effsearch.plots.progress(run, interactive=True)).__module__.startswith("plotly")
    with pytest.raises(InputError, match="'network' has no interactive form: front, progress, "):
        effsearch.plots.network(run, interactive=True)


def test_without_the_package_its_pip_command_is_named(
    searched: RunData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.subplots", None)
    with pytest.raises(MissingResourceError, match=r"pip install 'effsearch\[plotly\]'"):
        draw_interactive("front", searched)

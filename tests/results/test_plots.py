"""Every picture of a whole, an empty and an odd run; looks were judged by eye, not here."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from making import asked, failed, make_run, told, write_ledger
from searched import search

from results.plots.choices import read_choices
from results.plots.files import figure_bytes, inline_svg, write_file
from results.plots.forest import measure_importance
from results.plots.registry import PLOTS, draw, draw_or_say, styled
from results.plots.several import draw_several
from results.plots.style import NothingToDrawError
from results.run_data import RunData, load_run_data
from search_spaces.errors import EffsearchError, InputError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return search(tmp_path_factory.mktemp("runs"), 60)


@pytest.mark.parametrize("kind", [kind for kind in PLOTS if kind != "finalists"])
def test_every_kind_draws_a_run(whole: RunData, kind: str) -> None:
    figure, lacking = draw_or_say(kind, whole)
    assert lacking is None
    svg = ET.fromstring(figure_bytes(figure, "svg"))
    assert svg.tag.endswith("svg")


@pytest.mark.parametrize("kind", PLOTS)
def test_every_kind_of_an_empty_run_says_so(tmp_path: Path, kind: str) -> None:
    with make_run(tmp_path) as run:
        figure, lacking = draw_or_say(kind, load_run_data(run))
    assert lacking == "no finished trials yet"
    assert figure_bytes(figure, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", PLOTS)
def test_every_kind_bears_a_single_network_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    with make_run(tmp_path) as run:
        strange = asked(0, architecture="<script>", costs={})
        write_ledger(run.paths.ledger, [strange, told(0), asked(1), failed(1)])
        figure, _ = draw_or_say(kind, load_run_data(run))
    assert figure_bytes(figure, "svg")


def test_the_same_run_gives_the_same_bytes(whole: RunData) -> None:
    first, second = (figure_bytes(draw("progress", whole), "svg") for _ in range(2))
    assert first == second


def test_finalists_are_drawn_with_and_without_intervals(whole: RunData) -> None:
    row = {
        "trial": 1,
        "macs": 4e8,
        "accuracy": 0.8,
        "low": 0.7,
        "high": 0.9,
        "seeds": [0.75, 0.85],
        "search_accuracy": 0.95,
        "tied": True,
    }
    rows = [row, row | {"low": None, "high": None, "search_accuracy": None, "tied": False}]
    answer = {"finalists": {"rows": rows, "confidence": 0.9}}
    data = RunData(**{**vars_of(whole), "answer": answer})
    assert figure_bytes(draw("finalists", data), "png")


def vars_of(data: RunData) -> dict[str, object]:
    return {name: getattr(data, name) for name in RunData.__dataclass_fields__}


def test_without_finalists_the_way_to_them_is_named(whole: RunData) -> None:
    with pytest.raises(NothingToDrawError, match="resume the run with --finalists"):
        draw("finalists", whole)


def test_choices_are_read_from_the_networks_alone(whole: RunData) -> None:
    names = {choice.name: choice.options for choice in read_choices(whole).varied}
    assert names["stage 1 operation"] == ("MBConv1", "MBConv3", "MBConv6")
    assert names["stage 2 SE ratio"] == ("0", "0.25")
    assert "stage 1 SE ratio" not in names
    assert "stem" not in names


def test_importance_finds_the_choice_that_decides(whole: RunData) -> None:
    found = measure_importance(whole)
    assert found.choices[0].name == "stage 1 kernel"
    assert found.explained > 0.8
    assert found.losses[0] > 10 * found.losses[1]


def test_importance_of_few_trials_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NothingToDrawError, match="importance needs 30 measured networks"):
        measure_importance(search(tmp_path, 20))


@pytest.mark.parametrize("kind", ["front", "progress", "time"])
def test_every_mark_in_a_page_names_its_trial(whole: RunData, kind: str) -> None:
    svg = inline_svg(draw(kind, whole), kind, whole.done)
    numbers = [int(number) for number in re.findall(r'data-trial="(\d+)"', svg)]
    assert numbers == [trial.number for trial in whole.done]


def test_marks_over_time_lie_where_their_trials_ended(whole: RunData) -> None:
    svg = inline_svg(draw("time", whole), "time", whole.done)
    marks = re.findall(r'data-trial="(\d+)" [^>]*x="([\d.]+)"', svg)
    by_time = sorted(marks, key=lambda mark: float(mark[1]))
    ended = sorted(whole.done, key=lambda trial: trial.finished_at or 0)
    assert [int(number) for number, _ in by_time] == [trial.number for trial in ended]


def test_two_pictures_in_one_page_share_no_id(whole: RunData) -> None:
    both = inline_svg(draw("front", whole), "a") + inline_svg(draw("front", whole), "b")
    ids = re.findall(r'\bid="([^"]*)"', both)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]*)"', both)) <= set(ids)


def test_several_runs_stand_on_the_same_axes(whole: RunData) -> None:
    assert figure_bytes(styled(lambda: draw_several([whole, whole])), "png")


def test_an_unknown_kind_names_the_nearest(whole: RunData) -> None:
    with pytest.raises(InputError, match=r"unknown plot 'frnt': did you mean 'front'\?"):
        draw("frnt", whole)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EffsearchError, match="name a writable folder with --output"):
        write_file(tmp_path / "file" / "plots" / "front.png", b"")

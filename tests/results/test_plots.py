"""Every picture of a whole, an empty and an odd run; looks were judged by eye, not here."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import other_kinds
import pytest
from making import asked, failed, make_run, told, write_ledger
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from searched import search

from effsearch.results.drawing import draw, draw_or_say, finished
from effsearch.results.kinds.registry import kind_of
from effsearch.results.loading import load_run_data
from effsearch.results.pareto import pareto_trials
from effsearch.results.plots.choices import read_choices
from effsearch.results.plots.family import trained_members
from effsearch.results.plots.files import figure_bytes, inline_svg, write_file
from effsearch.results.plots.forest import measure_importance
from effsearch.results.plots.front import FRONT
from effsearch.results.plots.heatmap import place, surface, triangle
from effsearch.results.plots.noise import NOISE
from effsearch.results.plots.repeated import finalists, short_name
from effsearch.results.plots.several import draw_several
from effsearch.results.plots.style import NothingToDrawError, styled
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.zoo import load_zoo

pytestmark = pytest.mark.slow  # together they take many seconds


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return search(tmp_path_factory.mktemp("runs"), 60)


def plots_of(run_kind: str) -> list[str]:
    return [plot.name for plot in kind_of(run_kind).plots]


RUNS = ("baseline", "coefficients", "comparison", "family", "train", "bench")
MAKERS = {
    "coefficients": other_kinds.coefficients,
    "comparison": other_kinds.comparison,
    "family": other_kinds.family,
    "train": other_kinds.training,
    "bench": other_kinds.bench,
}
NEED_MORE = ("finalists", "noise", "ranks", "curves")  # seeds, finalists, curves


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunData]:
    root = tmp_path_factory.mktemp("others")
    return {kind: make(root) for kind, make in MAKERS.items()}


@pytest.mark.parametrize("kind", [k for k in plots_of("baseline") if k not in NEED_MORE])
def test_every_kind_draws_a_search(whole: RunData, kind: str) -> None:
    figure, lacking = draw_or_say(kind, whole)
    assert lacking is None
    svg = ET.fromstring(figure_bytes(figure, "svg"))
    assert svg.tag.endswith("svg")


@pytest.mark.parametrize(("run_kind", "kind"), [(run, k) for run in RUNS for k in plots_of(run)])
def test_every_kind_of_an_empty_run_says_so(tmp_path: Path, run_kind: str, kind: str) -> None:
    with make_run(tmp_path, run_kind) as run:
        figure, lacking = draw_or_say(kind, load_run_data(run))
    what = {
        "training": "no finished epochs yet",
        "family": "the family has no members yet",
        "published": "the family has no members yet",
        "strategies": "not all searches have ended yet",
    }
    assert lacking == what.get(kind, "no finished trials yet")
    assert figure_bytes(figure, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", plots_of("baseline"))
def test_every_kind_bears_a_single_network_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    with make_run(tmp_path) as run:
        strange = asked(0, architecture="<script>", costs={})
        write_ledger(run.paths.ledger, [strange, told(0), asked(1), failed(1)])
        figure, _ = draw_or_say(kind, load_run_data(run))
    assert figure_bytes(figure, "svg")


def test_the_front_has_a_panel_for_the_cost_of_each_target(whole: RunData) -> None:
    data = with_targets(whole, latency_ms=6.0, params=5e6, total_memory_bytes=64e6)
    figure = draw("front", data)
    labels = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
    assert labels == [
        "latency as predicted by the table (ms)",
        "parameters",
        "weights and peak activations of a batch, float32",
    ]
    said = texts(figure)
    assert "target 6ms" in said
    assert "EfficientNet-B0 4.0M" in said  # with ten classes
    assert "MACs" not in said
    assert "target 5.0M →" in said  # far above what was searched
    assert is_whole(figure)


def test_published_networks_stand_where_their_cost_can_be_counted(whole: RunData) -> None:
    latency = texts(draw("front", with_targets(whole, latency_ms=6.0)))
    assert "EfficientNet-B0" not in latency
    memory = with_targets(whole, total_memory_bytes=64e6)
    assert "EfficientNet-B0" not in texts(draw("front", memory))  # of how many images is unknown
    record = whole.record | {"config": whole.record["config"] | {"memory_batch": 8}}
    known = replace(memory, record=record)
    network = replace(load_zoo("efficientnet-b0"), resolution=32, classes=10)
    total = 4 * cost(network).params + 8 * cost(network).memory_bytes
    assert f"EfficientNet-B0 {total / 1e6:.1f}MB" in texts(draw("front", known))


def test_marks_of_every_panel_name_their_trials(whole: RunData) -> None:
    data = with_targets(whole, macs=4e8, latency_ms=6.0)
    svg = inline_svg(draw("front", data), "front", data.done)
    numbers = [int(number) for number in re.findall(r'data-trial="(\d+)"', svg)]
    assert numbers == 2 * [trial.number for trial in data.done]
    ids = re.findall(r'\bid="([^"]*)"', svg)
    assert len(ids) == len(set(ids))


def with_targets(whole: RunData, **targets: float) -> RunData:
    """The run with targets, and with costs that not every run knows."""
    trials = tuple(
        replace(
            trial,
            costs=trial.costs
            | {"latency_ms": 4.0 + trial.number / 20, "total_memory_bytes": 10**7 + trial.number},
        )
        for trial in whole.trials
    )
    return replace(whole, trials=trials, targets=targets)


def is_whole(figure: Figure) -> bool:
    """Whether the figure's edges cut nothing."""
    FigureCanvasAgg(figure).draw()
    drawn = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    return bool(min(drawn.x0, drawn.y0) >= 0 and drawn.x1 <= width and drawn.y1 <= height)


def test_the_same_run_gives_the_same_bytes(whole: RunData) -> None:
    first, second = (figure_bytes(draw("progress", whole), "svg") for _ in range(2))
    assert first == second


def test_digits_of_the_layout_that_no_coordinate_shows_change_no_byte() -> None:
    def drawn(left: float) -> bytes:
        figure = Figure()
        figure.add_axes((left, 0.1, 0.8, 0.8)).plot([0, 1], marker="o")
        return figure_bytes(figure, "svg")

    assert drawn(0.1) == drawn(0.1 + 1e-13)
    assert b'clip-path="url(#p' in drawn(0.1)


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


def test_the_front_shows_references_beside_finalists_as_both_were_measured(whole: RunData) -> None:
    first, second = whole.done[:2]
    rows = [
        {"trial": one.number, "id": one.arch_id, "accuracy": 0.9, "macs": one.costs["macs"]}
        for one in (first, second)
    ]
    near = {"name": "near-one", "accuracy": 0.88, "macs": first.costs["macs"], "params": 5e6}
    far = {"name": "far-one", "accuracy": 0.85, "macs": 50 * first.costs["macs"], "params": 5e6}
    answer = {"finalists": {"rows": rows}, "references": [near, far]}
    said = texts(draw("front", replace(whole, answer=answer)))
    assert "finalist, trained again" in said
    assert "near-one, trained alike" in said
    assert "85.00%)" in said  # what would squeeze the others stands in the legend
    assert "trained alike" not in texts(draw("front", whole))
    assert "Squares and diamonds" in FRONT.explained(replace(whole, answer=answer))
    assert "Squares" not in FRONT.explained(whole), "said only where some are drawn"


def test_a_picture_that_stands_alone_says_how_its_accuracies_were_measured(whole: RunData) -> None:
    data = {"name": "digits", "validation_images": 359, "classes": 10}
    record = whole.record | {"data": data, "recipe": {"epochs": 3, "resolution": 16}}
    figure, _ = draw_or_say("front", replace(whole, record=record))
    assert "on 359 held-out images of digits (10 classes) at 16 px, 3 epochs" in texts(figure)


def test_a_picture_of_another_kind_of_run_names_those_there_are(others: dict[str, RunData]) -> None:
    with pytest.raises(NothingToDrawError, match="a family run has no picture 'heatmap', only fam"):
        draw("heatmap", others["family"])


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_the_surface_marks_the_choice_the_ties_and_longer_trainings(
    others: dict[str, RunData],
) -> None:
    said = texts(draw("heatmap", others["coefficients"]))
    assert "chosen α = 1.2, β = 1.1, γ = 1.15" in said
    assert said.count("95.0 long") == 2  # of the two that were trained longer
    assert "statistically tied with the best" in said


def test_the_surface_shows_what_is_expected_where_a_model_says_so(tmp_path: Path) -> None:
    data = other_kinds.coefficients(tmp_path)
    rows = [row | {"expected": 0.9 + 0.01 * place} for place, row in enumerate(data.rows)]
    answer = data.answer or {}
    figure = finished(lambda: surface(rows, answer))
    assert "surface: expected accuracy; marks: measured, in the grid (%)" in texts(figure)
    panel = triangle(rows, answer)
    hover = [said for series in panel.series for said in series.hover]
    assert "measured 88.00%\nexpected 92.00%" in "\n".join(hover)


@pytest.mark.parametrize(
    ("triple", "corner"),
    [((2, 1, 1), (0.5, 0.866)), ((1, 2**0.5, 1), (0, 0)), ((1, 1, 2**0.5), (1, 0))],
)
def test_growth_in_one_dimension_is_a_corner_of_the_surface(
    triple: tuple[float, float, float], corner: tuple[float, float]
) -> None:
    assert place(*triple) == pytest.approx(corner, abs=1e-3)


def test_finalists_of_a_grid_are_its_longer_trainings(tmp_path: Path) -> None:
    found = finalists(other_kinds.coefficients(tmp_path))
    assert [one.label.splitlines()[0] for one in found] == [
        "α 1, β 1.2, γ 1.15",
        "α 1.2, β 1.1, γ 1.15",
    ]
    assert found[0].seeds == (0.94, 0.96)
    assert found[0].before == pytest.approx(0.84)


def test_without_longer_trainings_the_way_to_them_is_named(tmp_path: Path) -> None:
    data = other_kinds.coefficients(tmp_path, top=False)
    with pytest.raises(NothingToDrawError, match="resume the run with --top 5"):
        draw("finalists", data)
    with pytest.raises(NothingToDrawError, match="no network has two trainings: search with"):
        draw("noise", data)


def test_noise_is_pooled_over_the_networks(others: dict[str, RunData]) -> None:
    # Two networks with seeds 0.94 and 0.96: a deviation of 0.01·√2.
    assert "one standard deviation: 1.41 points" in texts(draw("noise", others["coefficients"]))


def test_noise_is_said_to_be_of_the_trainings_that_were_repeated(
    whole: RunData, others: dict[str, RunData]
) -> None:
    conditions = {"conditions": {"sentence": "on the longer trainings"}}
    finalists = replace(whole, answer=(whole.answer or {}) | conditions)
    assert NOISE.conditions(finalists) == "Accuracy on the longer trainings."
    longer = others["coefficients"]
    longer = replace(longer, answer=(longer.answer or {}) | conditions)
    assert NOISE.conditions(longer) == "Accuracy on the longer trainings."
    for row in longer.rows:  # a copy's own
        row.update(accuracies="0.9 0.92")
    assert "longer" not in NOISE.conditions(longer)


def test_members_that_were_trained_are_known_again(tmp_path: Path) -> None:
    data = other_kinds.family(tmp_path)
    other_kinds.training(tmp_path, model=f"{data.path}/phi1.json (member phi1)")
    other_kinds.training(tmp_path, model="mobilenet-v2")
    [found] = trained_members(data)
    assert (found.member, found.accuracy, found.data) == ("phi1", 0.9, "digits")
    assert "top-1, trained here (%)" in texts(draw("family", data))


def test_a_training_without_validation_is_drawn(tmp_path: Path) -> None:
    data = other_kinds.training(tmp_path, epochs=1, answer=False)
    data.rows[0].update(validation_loss=None, top1=None, top5=None)
    assert "nothing was held out" in texts(draw("training", data))


def test_trainings_that_were_given_up_lead_no_search(tmp_path: Path) -> None:
    with make_run(tmp_path) as run:
        early = told(1, reward=0.9, measurements={"accuracy": 0.9, "stopped_after": 2})
        write_ledger(run.paths.ledger, [asked(0), told(0), asked(1), early])
        data = load_run_data(run)
    said = texts(draw("progress", data))
    assert "trial 0: 0.4000" in said
    assert "stopped early" in said
    assert [trial.number for trial in pareto_trials(data.trials)] == [0]


def test_a_name_with_dollar_signs_is_no_formula(tmp_path: Path) -> None:
    data = other_kinds.comparison(tmp_path, name=r"$\frac{")
    assert r"$\frac{" in texts(draw("comparison", data))
    assert figure_bytes(draw("comparison", data), "png")


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


def test_a_reference_without_a_name_leaves_room_for_the_picture() -> None:
    assert short_name("efficientnet-b0") == "efficientnet-b0"
    assert short_name("res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16") == "res16 stem_k3_s1_c8 ir_…"

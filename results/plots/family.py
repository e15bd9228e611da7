"""A family against the published models: what its members cost, and what published ones score."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    PAPER,
    VERMILION,
    NothingToDrawError,
    legend_above,
    new_figure,
)
from effsearch.results.store.files import read_json_object
from effsearch.results.store.kind_table import Row
from effsearch.results.store.run_data import RunData
from effsearch.results.store.run_index import readable_records
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.units import format_count
from effsearch.search_spaces.zoo import published_family, zoo_entry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {
    "mobilenet-v1": "MobileNetV1",
    "mobilenet-v2": "MobileNetV2",
    "mnasnet-a1": "MnasNet-A1",
    "resnet-50": "ResNet-50",
    "efficientnetv2-s": "EfficientNetV2-S",
}

# Points from the mark to its name: to the left, and apart where marks lie close.
_LEFT = {"MobileNetV1": 3, "MobileNetV2": -3, "MnasNet-A1": 0, "ResNet-50": 0}


@dataclass(frozen=True)
class Published:
    """A model of the zoo: multiply-adds, parameters, ImageNet top-1 in percent where published."""

    label: str
    macs: int
    params: int
    top1: float | None


@dataclass(frozen=True)
class TrainedMember:
    """A member that a train run of the same folder trained: top-1 as a fraction, and on what."""

    member: str
    macs: float
    accuracy: float
    data: str


def draw_family(data: RunData) -> "Figure":
    """Parameters and accuracy over multiply-adds; members are placed by what they cost."""
    if not data.rows:
        raise NothingToDrawError("the family has no members yet")
    trained = trained_members(data)
    figure = new_figure(6.4 if trained else 4.3, width=9.0)
    rows, heights = (["ab", "cc"], [3, 2]) if trained else (["ab"], [1])
    panels = figure.subplot_mosaic("\n".join(rows), height_ratios=heights)
    sizes, scores = panels["a"], panels["b"]
    family, others = _published()
    _draw_sizes(sizes, data.rows, family, others)
    _draw_scores(scores, data.rows, family, others)
    handles = [*sizes.get_legend_handles_labels()[0], *scores.get_legend_handles_labels()[0][:1]]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    if trained:
        _draw_trained(panels["c"], trained)
    return figure


def trained_members(data: RunData) -> list[TrainedMember]:
    """What finished train runs beside this run measured of its members, cheapest first.

    A member is known again by the file it was trained from, `family/001/phi1.json`; of several
    trainings on the same data the newest counts.
    """
    directory = Path(data.path).absolute()
    found: dict[tuple[str, str], TrainedMember] = {}
    by_file = {(*directory.parts[-2:], f"{row['member']}.json"): row for row in data.rows}
    for path, record in readable_records(directory.parent.parent, "train"):
        # Such as `runs/family/001/phi3.json (member phi3)`.
        source, answer = str(record.get("model")).partition(" (")[0], path / "train.json"
        row = by_file.get(Path(source).parts[-3:])
        if row is None or not answer.is_file():
            continue
        try:
            trained = _trained(row, read_json_object(answer))
        except (InputError, KeyError, TypeError):
            continue
        if trained:
            found[trained.member, trained.data] = trained
    return sorted(found.values(), key=lambda one: one.macs)


def _trained(row: Row, answer: Row) -> TrainedMember | None:
    part = answer["accuracy"].get("test") or answer["accuracy"].get("validation")
    if not part:
        return None
    name = Path(str(answer["data"]["name"])).name
    return TrainedMember(row["member"], answer["macs"], float(part["top1"]), name)


def _published() -> tuple[list[Published], list[Published]]:
    """EfficientNet-B0 to B7, and the other models, cheapest first."""
    members = published_family()
    family = [_model(f"B{place}", entry.name) for place, entry in enumerate(members)]
    others = [_model(label, name) for name, label in LABELS.items()]
    return family, sorted(others, key=lambda one: one.macs)


def _model(label: str, name: str) -> Published:
    entry = zoo_entry(name)
    counted = cost(entry.architecture)
    return Published(label, counted.macs, counted.params, entry.top1)


def _draw_sizes(
    axes: "Axes", rows: Sequence[Row], family: Sequence[Published], others: Sequence[Published]
) -> None:
    _draw_line(axes, [(one.label, one.macs, one.params) for one in family], ORANGE, "s",
               "EfficientNet, published", (-5, 4))  # fmt: skip
    _draw_others(axes, [(one.label, one.macs, one.params) for one in others])
    members = [(str(row["member"]), row["macs"], row["params"]) for row in rows]
    _draw_line(axes, members, BLUE, "o", "this family", (5, -6))
    axes.set_yscale("log")
    _show_costs(axes, "MACs, each at its own resolution")
    axes.margins(y=0.09)
    count_ticks(axes.get_ylim, axes.set_yticks)
    axes.set_ylabel("parameters")


def _draw_scores(
    axes: "Axes", rows: Sequence[Row], family: Sequence[Published], others: Sequence[Published]
) -> None:
    """Published accuracy alone; what members score on ImageNet is not known, so they are lines."""
    for place, row in enumerate(rows):
        axes.axvline(row["macs"], color=BLUE, linewidth=1.0, alpha=0.7,
                     label="cost of a member" if not place else None)  # fmt: skip
    known = [(one.label, one.macs, one.top1) for one in family if one.top1 is not None]
    _draw_line(axes, known, ORANGE, "s", None, (-5, 4))
    _draw_others(axes, [(one.label, one.macs, one.top1) for one in others if one.top1 is not None])
    _show_costs(axes, "MACs, each at its own resolution")
    axes.set_ylabel("published ImageNet top-1 (%)")


def _draw_line(
    axes: "Axes",
    points: Sequence[tuple[str, float, float]],
    color: str,
    marker: str,
    label: str | None,
    offset: tuple[float, float],
) -> None:
    """Models of one family, joined, each with its name."""
    axes.plot(
        [x for _, x, _ in points], [y for _, _, y in points], color=color, marker=marker,
        markersize=5.5, markeredgecolor=PAPER, markeredgewidth=0.5, linewidth=1.2, label=label,
    )  # fmt: skip
    for name, x, y in points:
        axes.annotate(
            name, (x, y), xytext=offset, textcoords="offset points", fontsize=7,
            ha="right" if offset[0] < 0 else "left", va="center", color=INK,
        )  # fmt: skip


def _draw_others(axes: "Axes", points: Sequence[tuple[str, float, float]]) -> None:
    for place, (name, x, y) in enumerate(points):
        axes.plot(
            [x], [y], marker="D", markersize=5, color=FAINT, linestyle="none",
            label=None if place else "other published models",
        )  # fmt: skip
        axes.annotate(
            name, (x, y), xytext=(-6, _LEFT[name]) if name in _LEFT else (6, 0),
            textcoords="offset points", fontsize=7, va="center",
            ha="right" if name in _LEFT else "left", color=INK,
        )  # fmt: skip


def _draw_trained(axes: "Axes", trained: Sequence[TrainedMember]) -> None:
    sources = sorted({one.data for one in trained})
    for source in sources:
        mine = [one for one in trained if one.data == source]
        points = [(one.member, one.macs, 100 * one.accuracy) for one in mine]
        _draw_line(axes, points, VERMILION, "os^Dv"[sources.index(source) % 5], source, (5, -6))
    _show_costs(axes, "MACs as trained")
    axes.set_ylabel("top-1, trained here (%)")
    axes.margins(y=0.15)
    axes.set_ylim(top=min(100.5, axes.get_ylim()[1]))
    legend_above(axes, 3)


def _show_costs(axes: "Axes", label: str) -> None:
    """A logarithmic axis of MACs, with room for names on the left."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low / 3, high * 1.2)
    count_ticks(axes.get_xlim, axes.set_xticks)
    axes.minorticks_off()
    axes.set_xlabel(label)
    axes.tick_params(color=FAINT)


def count_ticks(
    limits: "Callable[[], tuple[float, float]]", set_ticks: "Callable[..., Any]"
) -> None:
    """Ticks at 1, 2 and 5 of each power of ten, as people write counts."""
    low, high = limits()
    steps = [digit * 10.0**power for power in range(3, 14) for digit in (1, 2, 5)]
    shown = [value for value in steps if low <= value <= high]
    labels = [re.sub(r"\.0+(?=[kMG])", "", format_count(value)) for value in shown]
    set_ticks(shown, labels)


FAMILY = Plot(
    "family",
    "The family against published models",
    "Each model at its own resolution. Published accuracies are of ImageNet, as their papers "
    "say; members are placed by cost alone, and their accuracy is shown where a train run "
    "measured it.",
    draw_family,
    is_wide=True,
)

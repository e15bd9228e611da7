"""A family against the published models: what members cost, and what those trained here score."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.results.plots.panel import (
    Line,
    Marker,
    Panel,
    Series,
    draw_panel,
)
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILION,
    WIDTH,
    NothingToDrawError,
    is_narrow,
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
    from matplotlib.figure import Figure

LABELS = {
    "mobilenet-v1": "MobileNetV1",
    "mobilenet-v2": "MobileNetV2",
    "mnasnet-a1": "MnasNet-A1",
    "resnet-50": "ResNet-50",
    "efficientnetv2-s": "EfficientNetV2-S",
}


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


def family_panels(data: RunData) -> list[Panel]:
    """Parameters over multiply-adds, and what members scored that were trained here."""
    if not data.rows:
        raise NothingToDrawError("the family has no members yet")
    trained = trained_members(data)
    return [_sizes(data.rows), *([_trained_panel(trained)] if trained else [])]


def draw_family(data: RunData) -> "Figure":
    """The panels side by side, on a phone below each other."""
    panels = family_panels(data)
    below = is_narrow()
    lines, columns = (len(panels), 1) if below else (1, len(panels))
    figure = new_figure(3.6 * lines, width=WIDTH if len(panels) == 1 else 9.6)
    axes = figure.subplots(lines, columns, squeeze=False).flatten()
    for place, panel in zip(axes, panels, strict=True):
        draw_panel(place, panel)
        if panel.y_log:
            count_ticks(place.get_ylim, place.set_yticks)
        legend_above(place, 3)
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
    """EfficientNet's own family, then other published models, each from small to large."""
    members = published_family()
    family = [_model(f"B{number}", entry.name) for number, entry in enumerate(members)]
    others = [_model(label, name) for name, label in LABELS.items()]
    return family, sorted(others, key=lambda one: one.macs)


def _model(label: str, name: str) -> Published:
    entry = zoo_entry(name)
    counted = cost(entry.architecture)
    return Published(label, counted.macs, counted.params, entry.top1)


def _sizes(rows: Sequence[Row]) -> Panel:
    family, others = _published()
    members = sorted(rows, key=lambda row: row["macs"])
    values = [
        *(one.macs for one in (*family, *others)), *(row["macs"] for row in rows)
    ]  # fmt: skip
    sizes = [*(one.params for one in (*family, *others)), *(row["params"] for row in rows)]
    ends = min(values) / 1.6, max(values) * 1.6
    return Panel(
        id="sizes",
        x_label="MACs, each at its own resolution",
        y_label="parameters",
        series=[
            _models(family, "EfficientNet, published", ORANGE, "s", "-"),
            _models(others, "other published models", FAINT, "D", ""),
            Series(
                label="this family",
                x=[float(row["macs"]) for row in members],
                y=[float(row["params"]) for row in members],
                color=BLUE,
                line="-",
                names=[str(row["member"]) for row in members],
                hover=[_of_member(row) for row in members],
            ),
        ],
        x_log=True,
        y_log=True,
        x_range=ends,
        y_range=(min(sizes) / 1.6, max(sizes) * 1.6),
        ticks=cost_ticks(ends),
    )


def _models(
    models: Sequence[Published], label: str, color: str, marker: Marker, line: Line
) -> Series:
    return Series(
        label=label,
        x=[float(one.macs) for one in models],
        y=[float(one.params) for one in models],
        color=color,
        marker=marker,
        line=line,
        names=[one.label for one in models],
        hover=[
            f"{one.label}: {format_count(one.macs)} MACs, {format_count(one.params)} parameters"
            + ("" if one.top1 is None else f"\nImageNet top-1 {one.top1:g}%, as published")
            for one in models
        ],
    )


def _of_member(row: Row) -> str:
    return (
        f"{row['member']}: {format_count(row['macs'])} MACs, {format_count(row['params'])} "
        f"parameters, {row['resolution']:g} pixels"
    )


def _trained_panel(trained: Sequence[TrainedMember]) -> Panel:
    sources = sorted({one.data for one in trained})
    colors = (VERMILION, GREEN, PURPLE, BLUE)
    marks: tuple[Marker, ...] = ("o", "s", "D")
    values = [one.macs for one in trained]
    scores = [100 * one.accuracy for one in trained]
    around = 0.15 * (max(scores) - min(scores)) or 2.0
    ends = min(values) / 2, max(values) * 2
    series = []
    for place, source in enumerate(sources):
        mine = [one for one in trained if one.data == source]
        series.append(
            Series(
                label=f"trained on {source}",
                x=[float(one.macs) for one in mine],
                y=[100 * one.accuracy for one in mine],
                color=colors[place % len(colors)],
                marker=marks[place % len(marks)],
                line="-",
                names=[one.member for one in mine],
                hover=[
                    f"{one.member}: {100 * one.accuracy:.2f}% on {source}\n"
                    f"{format_count(one.macs)} MACs as trained"
                    for one in mine
                ],
            )
        )
    return Panel(
        id="trained",
        x_label="MACs as trained",
        y_label="top-1, trained here (%)",
        series=series,
        x_log=True,
        x_range=ends,
        y_range=(min(scores) - around, min(100.5, max(scores) + around)),
        ticks=cost_ticks(ends),
    )


def cost_ticks(ends: tuple[float, float]) -> list[tuple[float, str]]:
    """Ticks of a logarithmic axis at 1, 2 and 5 of each power of ten, fewer on a long axis."""
    low, high = ends
    digits = (1,) if high / low > (60 if is_narrow() else 3000) else (1, 2, 5)
    steps = [digit * 10.0**power for power in range(3, 14) for digit in digits]
    return [
        (value, re.sub(r"\.0+(?=[kMG])", "", format_count(value)))
        for value in steps
        if low <= value <= high
    ]


def count_ticks(
    limits: "Callable[[], tuple[float, float]]", set_ticks: "Callable[..., Any]"
) -> None:
    """Ticks as people write counts, on the axis as it stands."""
    shown = cost_ticks(limits())
    set_ticks([value for value, _ in shown], [said for _, said in shown])


FAMILY = Plot(
    "family",
    "The family against published models",
    "Each model at its own resolution, placed by what it costs; what members score is shown where "
    "a train run measured it.",
    draw_family,
    panels=family_panels,
)

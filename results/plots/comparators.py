"""Accuracy against multiply-adds and parameters, as in the first figures of EfficientNet's paper:
the ConvNets it compares with, EfficientNet-B0 to B7, and the family of the run among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING

from effsearch.results.plots.family import count_ticks, trained_members
from effsearch.results.plots.names import Name, ask_names
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    ORANGE,
    PAPER,
    NothingToDrawError,
    is_narrow,
    legend_below,
    new_figure,
)
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.zoo import published_family

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Comparator:
    """A published ConvNet: ImageNet top-1 in percent, parameters and multiply-adds as printed."""

    name: str
    top1: float
    params: int
    macs: int
    family: str | None = None


@lru_cache(maxsize=1)
def comparators() -> tuple[Comparator, ...]:
    """What EfficientNet's paper compares with in its Table 2."""
    import yaml

    text = (resources.files("effsearch.results.plots") / "comparators.yaml").read_text()
    return tuple(Comparator(**values) for values in yaml.safe_load(text)["networks"])


def draw_comparators(data: RunData, width: float = 10.0) -> "Figure":
    """Two panels: accuracy over multiply-adds, and over parameters.

    Args:
        data: of a family's run.
        width: of the figure, in inches.
    """
    if not data.rows:
        raise NothingToDrawError("the family has no members yet")
    if is_narrow():
        figure = new_figure(8.4)
        left, right = figure.subplots(2, 1)
        right.set_ylabel("ImageNet top-1 (%), one model, one crop")
    else:
        figure = new_figure(4.6, width=width)
        left, right = figure.subplots(1, 2, sharey=True)
    left.set_ylabel("ImageNet top-1 (%), one model, one crop")
    names = [
        _draw(left, data, "macs", "FLOPs: multiply-adds, each at its own resolution"),
        _draw(right, data, "params", "parameters"),
    ]
    legend_below(figure, 4, left.get_legend_handles_labels()[0])
    for axes, own in zip((left, right), names, strict=True):
        ask_names(axes, own)
    return figure


def _draw(axes: "Axes", data: RunData, metric: str, label: str) -> list[Name]:
    """Marks, lines and limits; the names are to be written once both panels stand."""
    names = []
    for place, row in enumerate(sorted(data.rows, key=lambda row: row[metric])):
        axes.axvline(row[metric], color=BLUE, linewidth=0.9, alpha=0.6,
                     label="cost of a member of this family" if not place else None)  # fmt: skip
        names.append(Name(text=str(row["member"]), x=row[metric], color=BLUE))
    compared = _draw_compared(axes, metric)
    members = published_family()
    known = [
        (entry.name.removeprefix("efficientnet-").upper(), _cost_of(entry.architecture, metric),
         entry.top1) for entry in members if entry.top1 is not None
    ]  # fmt: skip
    family = _draw_family(axes, known, ORANGE, "s", "EfficientNet, published")
    own = _draw_family(axes, _own(data, metric), BLUE, "o", "this family, trained on ImageNet")
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.5, high * 1.8)
    count_ticks(axes.get_xlim, axes.set_xticks)
    axes.minorticks_off()
    axes.margins(y=0.12)
    axes.set_xlabel(label)
    return [*own, *family, *compared, *names]


def _draw_compared(axes: "Axes", metric: str) -> list[Name]:
    names = []
    networks = sorted(comparators(), key=lambda one: (one.family or one.name, one.macs))
    for place, (_, group) in enumerate(groupby(networks, lambda one: one.family or one.name)):
        points = [(one.name, float(getattr(one, metric)), one.top1) for one in group]
        axes.plot(
            [x for _, x, _ in points], [y for _, _, y in points], color=FAINT, marker="D",
            markersize=4.5, linewidth=0.9, linestyle="--",
            label=None if place else "compared in EfficientNet's paper, Table 2",
        )  # fmt: skip
        names += [Name(text=name, x=x, y=y, size=6.5) for name, x, y in points]
    return names


def _draw_family(
    axes: "Axes",
    points: Sequence[tuple[str, float, float]],
    color: str,
    marker: str,
    label: str,
) -> list[Name]:
    if not points:
        return []
    axes.plot(
        [x for _, x, _ in points], [y for _, _, y in points], color=color, marker=marker,
        markersize=5.5, markeredgecolor=PAPER, markeredgewidth=0.5, linewidth=1.4, label=label,
    )  # fmt: skip
    return [Name(text=name, x=x, y=y) for name, x, y in points]


def _own(data: RunData, metric: str) -> list[tuple[str, float, float]]:
    """Members that were trained on ImageNet: other data would not belong on this axis."""
    costs = {str(row["member"]): float(row[metric]) for row in data.rows}
    return [
        (one.member, costs[one.member], 100 * one.accuracy)
        for one in trained_members(data)
        if "imagenet" in one.data.casefold()
    ]


def _cost_of(architecture: Architecture, metric: str) -> float:
    return float(getattr(cost(architecture), metric))


COMPARATORS = Plot(
    "published",
    "The family among published ConvNets",
    "ImageNet top-1 against multiply-adds and parameters, as EfficientNet's paper draws it; what "
    "it compares with is from its Table 2, rounded as printed. Members stand at their cost, and "
    "at an accuracy where a train run measured it on ImageNet.",
    draw_comparators,
)

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
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    PAPER,
    NothingToDrawError,
    new_figure,
)
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.zoo import published_family

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Where a name stands beside its mark: below it, or to its left, where others would meet.
_PLACES = {
    "Inception-v4": (0, 8, "center"),
    "Inception-ResNet-v2": (7, -7, "left"),
    "DenseNet-169": (-6, 5, "right"),
    "DenseNet-264": (2, -10, "center"),
    "ResNet-50": (8, -5, "left"),
    "ResNet-152": (7, 0, "left"),
    "NASNet-A": (7, -8, "left"),
    "AmoebaNet-A": (-6, 6, "right"),
    "PNASNet": (7, 5, "left"),
    "AmoebaNet-C": (0, 8, "center"),
    "SENet": (7, -4, "left"),
    "PolyNet": (-5, 7, "right"),
    "ResNeXt-101": (-2, -9, "center"),
    "Xception": (4, 7, "left"),
}


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


def draw_comparators(data: RunData) -> "Figure":
    """Two panels: accuracy over multiply-adds, and over parameters."""
    if not data.rows:
        raise NothingToDrawError("the family has no members yet")
    figure = new_figure(4.6, width=10.0)
    left, right = figure.subplots(1, 2, sharey=True)
    _draw(left, data, "macs", "FLOPs: multiply-adds, each at its own resolution")
    _draw(right, data, "params", "parameters")
    left.set_ylabel("ImageNet top-1 (%), one model, one crop")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _draw(axes: "Axes", data: RunData, metric: str, label: str) -> None:
    for place, row in enumerate(sorted(data.rows, key=lambda row: row[metric])):
        axes.axvline(row[metric], color=BLUE, linewidth=0.9, alpha=0.6,
                     label="cost of a member of this family" if not place else None)  # fmt: skip
        axes.annotate(
            str(row["member"]), (row[metric], (0.01, 0.06, 0.11)[place % 3]),
            xycoords=("data", "axes fraction"), xytext=(2, 0), textcoords="offset points",
            fontsize=7, color=BLUE,
        )  # fmt: skip
    _draw_compared(axes, metric)
    members = published_family()
    known = [
        (entry.name.removeprefix("efficientnet-").upper(), _cost_of(entry.architecture, metric),
         entry.top1) for entry in members if entry.top1 is not None
    ]  # fmt: skip
    _draw_family(axes, known, ORANGE, "s", "EfficientNet, published")
    _draw_family(axes, _own(data, metric), BLUE, "o", "this family, trained on ImageNet")
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.3, high * 1.6)
    count_ticks(axes.get_xlim, axes.set_xticks)
    axes.minorticks_off()
    axes.margins(y=0.12)
    axes.set_xlabel(label)


def _draw_compared(axes: "Axes", metric: str) -> None:
    networks = sorted(comparators(), key=lambda one: (one.family or one.name, one.macs))
    for place, (_, group) in enumerate(groupby(networks, lambda one: one.family or one.name)):
        points = [(one.name, float(getattr(one, metric)), one.top1) for one in group]
        axes.plot(
            [x for _, x, _ in points], [y for _, _, y in points], color=FAINT, marker="D",
            markersize=4.5, linewidth=0.9, linestyle="--",
            label=None if place else "compared in EfficientNet's paper, Table 2",
        )  # fmt: skip
        for name, x, y in points:
            dx, dy, side = _PLACES.get(name, (6, -4, "left"))
            axes.annotate(
                name, (x, y), xytext=(dx, dy), textcoords="offset points", fontsize=6.5,
                ha=side, va="center", color=INK,
            )  # fmt: skip


def _draw_family(
    axes: "Axes",
    points: Sequence[tuple[str, float, float]],
    color: str,
    marker: str,
    label: str,
) -> None:
    if not points:
        return
    axes.plot(
        [x for _, x, _ in points], [y for _, _, y in points], color=color, marker=marker,
        markersize=5.5, markeredgecolor=PAPER, markeredgewidth=0.5, linewidth=1.4, label=label,
    )  # fmt: skip
    for name, x, y in points:
        axes.annotate(
            name, (x, y), xytext=(-5, 5), textcoords="offset points", fontsize=7, ha="right",
            va="center", color=INK,
        )  # fmt: skip


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
    "it compares with is of its Table 2, rounded as printed. Members stand at their cost, and "
    "at an accuracy where a train run measured it on ImageNet.",
    draw_comparators,
    is_wide=True,
)

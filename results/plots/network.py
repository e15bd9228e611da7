"""The network drawn stage by stage, as the papers of MnasNet and EfficientNet show theirs."""

import re
from typing import TYPE_CHECKING

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    GRID,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    YELLOW,
    NothingToDrawError,
    is_narrow,
    new_figure,
)
from effsearch.results.stages import StageSummary, stage_summaries
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.units import format_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = {
    "MBConv1": SKY,
    "MBConv3": BLUE,
    "MBConv6": GREEN,
    "Fused-MBConv": ORANGE,
    "Conv": YELLOW,
    "SepConv": SKY,
    "Bottleneck": PURPLE,
    "MBConv": BLUE,
}
_SKIPS = {"identity": "skip", "pool": "pooled skip", "none": "no skip"}
_HEADER = ("stage", "operator", "input", "channels", "layers", "stride", "SE", "skip")
_X = (0.0, 0.09, 0.37, 0.47, 0.6, 0.69, 0.78, 0.86)


def draw_network(data: RunData) -> "Figure":
    """The run's winner: a table with a block a layer and the share of the costs a stage."""
    network = data.network
    if network is None:
        raise NothingToDrawError(NOTHING_YET)
    rows = stage_summaries(network)
    if is_narrow():
        figure = new_figure(1.0 + 0.44 * len(rows))
        blocks, table, macs, params = figure.subplots(1, 4, width_ratios=(0.9, 2.9, 1.1, 1.1))
        _draw_lines(table, rows)
    else:
        figure = new_figure(1.0 + 0.36 * len(rows), width=9.6)
        blocks, table, macs, params = figure.subplots(1, 4, width_ratios=(1.4, 5.2, 1.4, 1.4))
        _draw_table(table, rows)
    _draw_blocks(blocks, rows)
    _draw_shares(macs, "MACs", [row.macs for row in rows], BLUE)
    _draw_shares(params, "parameters", [row.params for row in rows], ORANGE)
    for axes in (blocks, table, macs, params):
        axes.set_ylim(len(rows) - 0.4, -1.0)
        axes.set_yticks([])
        axes.set_xticks([])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    number = "" if data.winner is None else f"trial {data.winner.number} of "
    figure.suptitle(f"{number}{data.reference}: {_totals(network, rows)}", fontsize=9.5)
    return figure


def _totals(network: Architecture, rows: list[StageSummary]) -> str:
    return (
        f"{format_count(sum(row.macs for row in rows))} MACs, "
        f"{format_count(sum(row.params for row in rows))} parameters, "
        f"{network.resolution} pixels, {network.activation}, {network.classes} classes"
    )


def _draw_blocks(axes: "Axes", rows: list[StageSummary]) -> None:
    """One box a layer, side by side in its stage; the height follows the side of the output."""
    from matplotlib.patches import Rectangle

    widest = max(row.layers for row in rows)
    largest = max(row.out_size for row in rows)
    for place, row in enumerate(rows):
        height = 0.28 + 0.5 * (row.out_size / largest) ** 0.5
        for layer in range(row.layers):
            axes.add_patch(
                Rectangle(
                    (layer + 0.08, place - height / 2),
                    0.84,
                    height,
                    facecolor=_color(row.operator),
                    edgecolor=INK,
                    linewidth=0.6,
                )
            )
    axes.set_xlim(0, max(widest, 4))
    said = "layers" if is_narrow() else "one box per layer"
    axes.text(0, -0.75, said, fontsize=8, va="center", color=FAINT)


def _color(operator: str) -> str:
    name = operator.split()[0].rstrip(",")
    known = _COLORS.get(name)
    return known or next((c for key, c in _COLORS.items() if name.startswith(key)), GRID)


def _draw_table(axes: "Axes", rows: list[StageSummary]) -> None:
    for x, name in zip(_X, _HEADER, strict=True):
        axes.text(x, -0.75, name, fontsize=8, va="center", color=FAINT)
    axes.axhline(-0.45, color=FAINT, linewidth=0.8)
    for place, row in enumerate(rows):
        is_stage = row.name not in ("stem", "head")
        cells = (
            row.name,
            re.sub(r"(\d)x(\d)", r"\1×\2", row.operator),
            f"{row.in_size}²",
            str(row.channels),
            str(row.layers),
            str(row.stride),
            f"{row.se:g}" if row.se else "-",
            _SKIPS[row.skip] if is_stage else "-",
        )
        for x, cell in zip(_X, cells, strict=True):
            axes.text(x, place, cell, fontsize=8.5, va="center")
    axes.set_xlim(0, 1)


def _draw_lines(axes: "Axes", rows: list[StageSummary]) -> None:
    """The table for a phone: two lines a stage."""
    axes.axhline(-0.45, color=FAINT, linewidth=0.8)
    axes.text(0, -0.75, "operator, output, stride", fontsize=8, va="center", color=FAINT)
    for place, row in enumerate(rows):
        is_stage = row.name not in ("stem", "head")
        operator = re.sub(r"(\d)x(\d)", r"\1×\2", row.operator)
        times = f" ×{row.layers}" if row.layers > 1 else ""
        more = [f"{row.channels} ch", f"{row.out_size}²", f"s{row.stride}"]
        if row.se:
            more.append(f"SE {row.se:g}")
        if is_stage and row.skip != "identity":
            more.append(_SKIPS[row.skip])
        name = "" if is_stage else f"{row.name}: "
        axes.text(0, place - 0.17, f"{name}{operator}{times}", fontsize=8, va="center")
        axes.text(0, place + 0.21, ", ".join(more), fontsize=7, va="center", color=FAINT)
    axes.set_xlim(0, 1)


def _draw_shares(axes: "Axes", title: str, values: list[int], color: str) -> None:
    total = max(sum(values), 1)
    shares = [value / total for value in values]
    axes.barh(range(len(values)), shares, height=0.55, color=color)
    for place, (value, share) in enumerate(zip(values, shares, strict=True)):
        axes.text(share + 0.02 * max(shares), place, format_count(value), fontsize=7.5, va="center")
    axes.set_xlim(0, max(shares) * (2.1 if is_narrow() else 1.6))
    axes.text(0, -0.75, title, fontsize=8, va="center", color=FAINT)


NETWORK = Plot(
    "network",
    "The network found",
    "Stage by stage: one box per layer, higher where its output is larger; the bars are each "
    "stage's share of the multiply-adds and of the parameters.",
    draw_network,
)

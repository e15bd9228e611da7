"""The finalists: each training afresh, their intervals, and what the search had said of them."""

from typing import TYPE_CHECKING

from results.plots.style import (
    BLUE,
    FAINT,
    ORANGE,
    NothingToDrawError,
    legend_above,
    new_figure,
)
from results.run_data import RunData
from results.wording import NOTHING_YET
from search_spaces.amounts import format_count

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_finalists(data: RunData) -> "Figure":
    """One row a finalist, the best on top."""
    from matplotlib.lines import Line2D

    rows = data.finalists
    if not rows:
        raise NothingToDrawError(_why_none(data))
    figure = new_figure(1.5 + 0.42 * len(rows))
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        color = BLUE if row["tied"] else FAINT
        if row["low"] is not None:
            axes.plot(
                [100 * row["low"], 100 * row["high"]],
                [place, place],
                color=color,
                linewidth=5,
                alpha=0.35,
                solid_capstyle="butt",
            )
        axes.plot(
            [100 * score for score in row["seeds"]],
            [place] * len(row["seeds"]),
            marker="|",
            markersize=10,
            color=color,
            linestyle="none",
        )
        axes.plot([100 * row["accuracy"]], [place], marker="o", markersize=6, color=color)
        if row["search_accuracy"] is not None:
            axes.plot(
                [100 * row["search_accuracy"]],
                [place],
                marker="D",
                markersize=5.5,
                markerfacecolor="none",
                color=ORANGE,
            )
    axes.set_yticks(
        range(len(rows)),
        [f"trial {row['trial']}\n{format_count(row['macs'])} MACs" for row in rows],
    )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("accuracy (%)")
    axes.margins(x=0.06)
    axes.tick_params(color=FAINT)
    confidence = data.answer["finalists"]["confidence"] if data.answer else 0.9
    handles = [
        Line2D([], [], color=BLUE, marker="o", label="mean, not to be told from the best"),
        Line2D([], [], color=FAINT, marker="o", label="mean, behind"),
        Line2D([], [], color=FAINT, linewidth=5, alpha=0.35, label=f"{confidence:.0%} interval"),
        Line2D([], [], color=FAINT, marker="|", linestyle="none", markersize=10, label="one seed"),
        Line2D(
            [],
            [],
            color=ORANGE,
            marker="D",
            markerfacecolor="none",
            linestyle="none",
            label="in the search",
        ),
    ]
    legend_above(axes, 3, handles)
    return figure


def _why_none(data: RunData) -> str:
    if not data.done:
        return NOTHING_YET
    if data.kind != "baseline":
        return f"a {data.kind} run has no finalists"
    return "no finalists: resume the run with --finalists 5"

"""The finalists: each training afresh, their intervals, and what they had scored before."""

from typing import TYPE_CHECKING

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.repeated import finalists, references
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    ORANGE,
    VERMILION,
    NothingToDrawError,
    legend_below,
    new_figure,
)
from effsearch.results.statistics import CONFIDENCE
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 5.2
"""Inches: narrow enough to be read on a phone, where a README shows it as well."""


def draw_finalists(data: RunData) -> "Figure":
    """One row a finalist, the best on top, and below them the published networks."""
    from matplotlib.lines import Line2D

    rows = finalists(data)
    if not rows:
        raise NothingToDrawError(why_none(data))
    published = references(data)
    rows += published
    figure = new_figure(1.6 + 0.42 * len(rows), _WIDTH)
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        color = VERMILION if row.published else BLUE if row.tied else FAINT
        if row.low is not None and row.high is not None:
            axes.plot(
                [100 * row.low, 100 * row.high],
                [place, place],
                color=color,
                linewidth=5,
                alpha=0.35,
                solid_capstyle="butt",
            )
        axes.plot(
            [100 * score for score in row.seeds],
            [place] * len(row.seeds),
            marker="|",
            markersize=10,
            color=color,
            linestyle="none",
        )
        axes.plot([100 * row.accuracy], [place], marker="o", markersize=6, color=color)
        if row.before is not None:
            axes.plot(
                [100 * row.before],
                [place],
                marker="D",
                markersize=5.5,
                markerfacecolor="none",
                color=ORANGE,
            )
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("accuracy (%)")
    axes.margins(x=0.06)
    axes.tick_params(color=FAINT)
    interval = f"{_confidence(data):.0%} interval"
    handles = [
        Line2D([], [], color=BLUE, marker="o", label="mean, tied with the best"),
        Line2D([], [], color=FAINT, linewidth=5, alpha=0.35, label=interval),
        Line2D([], [], color=FAINT, marker="|", linestyle="none", markersize=10, label="one seed"),
        Line2D(
            [],
            [],
            color=ORANGE,
            marker="D",
            markerfacecolor="none",
            linestyle="none",
            label="when it was picked",
        ),
    ]
    if published:
        label = "published, trained alike"
        handles.insert(1, Line2D([], [], color=VERMILION, marker="o", label=label))
    if not all(row.tied or row.published for row in rows):
        handles.insert(1, Line2D([], [], color=FAINT, marker="o", label="mean, behind"))
    legend_below(figure, 2, handles)
    return figure


def _confidence(data: RunData) -> float:
    answer = data.answer or {}
    return float((answer.get("finalists") or answer).get("confidence", CONFIDENCE))


def why_none(data: RunData) -> str:
    """What is to be run for networks that are trained longer."""
    if not data.done:
        return NOTHING_YET
    if data.kind == "coefficients":
        return "no network was trained longer: resume the run with --top 5"
    return "no finalists: resume the run with --finalists 5"


FINALISTS = Plot(
    "finalists",
    "Finalists, trained again",
    "The best, trained afresh over several seeds. The diamonds are what they had scored when "
    "they were picked: of many noisy values the highest are partly luck, so they lie high "
    "unless the new training is longer.",
    draw_finalists,
    accuracy_of="answer",
)

"""Rank in the search against rank after the longer training: whether the search told the best."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from effsearch.results.plots.finalists import why_none
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.repeated import Repeated, finalists
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    NothingToDrawError,
    new_figure,
    with_note,
)
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_ranks(data: RunData) -> "Figure":
    """Two columns, the best on top, and a line a network between them."""
    from scipy.stats import kendalltau

    rows = [row for row in finalists(data) if row.before is not None]
    if not rows:
        raise NothingToDrawError(why_none(data))
    if len(rows) < 2:
        raise NothingToDrawError("one network was trained longer: an order needs two")
    before, after = [row.before or 0.0 for row in rows], [row.accuracy for row in rows]
    left, right = _ranks(before), _ranks(after)
    figure = new_figure(1.1 + 0.36 * len(rows), 5.6)
    axes = figure.add_subplot()
    for row, start, end in zip(rows, left, right, strict=True):
        color = BLUE if row.tied else FAINT
        axes.plot(
            [0, 1], [start, end], color=color, marker="o", markersize=5, clip_on=False,
            linewidth=1.8 if row.tied else 1.2,
        )  # fmt: skip
        axes.text(-0.05, start, _name(row, row.before or 0.0), ha="right", va="center", fontsize=8)
        axes.text(1.05, end, f"{100 * row.accuracy:.1f}%", ha="left", va="center", fontsize=8)
    axes.set_xlim(-0.75, 1.3)
    axes.set_ylim(len(rows) + 0.4, 0.3)
    axes.set_yticks([])
    axes.set_xticks([0, 1], ["in the search", "trained longer"])
    axes.xaxis.set_ticks_position("top")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    tau = float(kendalltau(before, after).statistic)
    return with_note(
        figure,
        f"Kendall's τ {tau:.2f} over {len(rows)} networks; 1 is the same order, 0 none. These are "
        "the best of the search alone: over all networks the orders agree better. Blue is tied "
        "with the best.",
    )


def _ranks(values: Sequence[float]) -> list[int]:
    order = sorted(range(len(values)), key=lambda place: -values[place])
    ranks = [0] * len(values)
    for rank, place in enumerate(order, start=1):
        ranks[place] = rank
    return ranks


def _name(row: Repeated, accuracy: float) -> str:
    return f"{row.label.splitlines()[0]}  {100 * accuracy:.1f}%"


RANKS = Plot(
    "ranks",
    "The order before and after the longer training",
    "The networks that were trained longer, by their accuracy in the search and after it. Lines "
    "that cross are networks that the search had in the wrong order.",
    draw_ranks,
    accuracy_of="answer",
)

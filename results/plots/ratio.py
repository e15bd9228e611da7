"""What a triple should cost by α·β²·γ², and what its network costs: rounding and all."""

from typing import TYPE_CHECKING

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    PAPER,
    VERMILION,
    NothingToDrawError,
    color_bar,
    legend_above,
    new_figure,
)
from effsearch.results.store.kind_table import Row
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_ratio(data: RunData) -> "Figure":
    """One mark a triple; on the line the counted multiply-adds would be the nominal ones."""
    from matplotlib.colors import LinearSegmentedColormap

    if not data.rows or not data.answer:
        raise NothingToDrawError(NOTHING_YET if not data.done else "the grid has not ended yet")
    phi = float(data.answer["phi"])
    nominal = [float(row["product"]) ** phi for row in data.rows]
    measured = [float(row["measured_ratio"]) for row in data.rows]
    figure = new_figure(4.0)
    axes = figure.add_subplot()
    low, high = min(nominal), max(nominal)
    axes.plot([low, high], [low, high], color=FAINT, linestyle="--", label="measured = nominal")
    shades = LinearSegmentedColormap.from_list("depth", ["#cfe5f3", BLUE, "#00263c"])
    marks = axes.scatter(
        nominal, measured, c=[float(row["alpha"]) for row in data.rows], cmap=shades, s=26,
        edgecolors=PAPER, linewidths=0.5, label="one triple",
    )  # fmt: skip
    tied = [place for place, row in enumerate(data.rows) if row["tied"]]
    axes.scatter(
        [nominal[place] for place in tied], [measured[place] for place in tied], s=70,
        facecolors="none", edgecolors=ORANGE, linewidths=1.5,
        label="statistically tied with the best",
    )  # fmt: skip
    for place, row in enumerate(data.rows):
        if row["chosen"]:
            _mark_chosen(axes, nominal[place], measured[place], row)
    color_bar(figure, marks, axes, "α, growth of the depth (no unit)")
    power = "" if phi == 1 else f" to the power φ = {phi:g}"
    axes.set_xlabel(f"nominal ratio of multiply-adds: α·β²·γ²{power} (times the baseline's)")
    axes.set_ylabel("measured ratio (times the baseline's)")
    axes.margins(0.05, 0.08)
    axes.tick_params(color=FAINT)
    legend_above(axes, 2)
    return figure


def _mark_chosen(axes: "Axes", x: float, y: float, row: Row) -> None:
    axes.plot(
        [x], [y], marker="*", markersize=13, color=VERMILION, markeredgecolor=INK,
        markeredgewidth=0.6, linestyle="none",
        label=f"chosen: α {row['alpha']:g}, β {row['beta']:g}, γ {row['gamma']:g}",
    )  # fmt: skip


RATIO = Plot(
    "ratio",
    "Nominal against measured cost",
    "α·β²·γ² is what a network would cost if nothing were rounded; layers are rounded up and "
    "channels to multiples of eight, so the counted multiply-adds differ.",
    draw_ratio,
)

"""Ways to scale at equal cost: accuracy over multiply-adds, one line a method (Figure 8)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.family import cost_ticks
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    VERMILION,
    NothingToDrawError,
    is_narrow,
    legend_below,
    new_figure,
)
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METHODS = {
    "depth": (BLUE, "s", "-", "depth alone"),
    "width": (GREEN, "^", "--", "width alone"),
    "resolution": (ORANGE, "D", ":", "resolution alone"),
    "compound": (VERMILION, "o", "-", "all three (compound)"),
}
_APART = 1.035  # times as far right are the error bars of the next method at one budget
_ROOM = 1.2  # times as far as the outermost marks reaches the axis
_MOST_COLUMNS = 3


def draw_comparison(data: RunData) -> "Figure":
    """The methods of a comparison that has ended."""
    if not data.rows or not data.answer:
        lacking = NOTHING_YET if not data.done else "the comparison has not ended yet"
        raise NothingToDrawError(lacking)
    return methods(data.rows, data.answer)


def methods(rows: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> "Figure":
    """One panel a baseline.

    Args:
        rows: of the run's `comparison.csv`.
        answer: the content of `comparison.json`.
    """
    names = list(dict.fromkeys(row["baseline"] for row in rows))
    columns = 1 if is_narrow() else min(_MOST_COLUMNS, len(names))
    lines = -(-len(names) // columns)
    figure = new_figure(3.2 * lines + 0.5, max(5.6, 3.4 * columns))
    panels = figure.subplots(lines, columns, squeeze=False).flatten()
    for panel, name in zip(panels, names, strict=False):
        _draw_panel(panel, name, [row for row in rows if row["baseline"] == name])
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    for panel in panels[::columns]:
        panel.set_ylabel("validation accuracy (%)")
    legend_below(figure, 5, panels[0].get_legend_handles_labels()[0])
    spread = (
        f"bars: {answer['confidence']:.0%} intervals over {answer['seeds']} seeds"
        if answer["noise"] is not None
        else "one seed, no intervals"
    )
    recipe = answer["recipe"]
    figure.suptitle(
        f"{Path(str(answer['data']['name'])).name}, {recipe['epochs']} epochs, baseline at "
        f"{recipe['resolution']} px; {spread}",
        fontsize=10,
    )
    return figure


def _draw_panel(panel: "Axes", name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    base = next(row for row in rows if row["method"] == "baseline")
    largest = max(row["macs"] for row in rows)
    for order, (method, (color, marker, dashes, label)) in enumerate(METHODS.items()):
        points = [row for row in rows if row["method"] == method and row["accuracy"] is not None]
        shift = _APART ** (order - 1.5)
        start = [base] if base["accuracy"] is not None else []
        line = [
            *((row["macs"], 100 * row["accuracy"]) for row in start),
            *((row["macs"] * shift, 100 * row["accuracy"]) for row in points),
        ]
        if line:
            panel.plot(*zip(*line, strict=True), color=color, linewidth=1.2, linestyle=dashes)
        places = [row["macs"] * shift for row in points]
        _draw_points(panel, points, places, color, marker, label)
    if base["accuracy"] is not None:
        _draw_points(panel, [base], [float(base["macs"])], INK, "*", "baseline")
    panel.set_title(name if len(name) < 32 else f"…{name[-31:]}", fontsize=9.5)
    panel.set_xscale("log")
    least = min(row["macs"] for row in rows)
    ends = (least / _ROOM, largest * _ROOM)
    panel.set_xlim(ends)
    ticks = cost_ticks(ends)
    panel.set_xticks([value for value, _ in ticks], [said for _, said in ticks])
    panel.minorticks_off()
    panel.set_xlabel("multiply-adds")
    panel.tick_params(color=FAINT)


def _draw_points(
    panel: "Axes",
    rows: Sequence[Mapping[str, Any]],
    places: Sequence[float],
    color: str,
    marker: str,
    label: str,
) -> None:
    means = [100 * row["accuracy"] for row in rows]
    known = [(mean, row) for mean, row in zip(means, rows, strict=True) if row["low"] is not None]
    # The interval of a picked best is drawn towards the others and may not hold its own mean.
    below = [max(0.0, mean - 100 * row["low"]) for mean, row in known]
    above = [max(0.0, 100 * row["high"] - mean) for mean, row in known]
    panel.errorbar(
        places,
        means,
        yerr=(below, above) if rows and len(known) == len(rows) else None,
        color=color,
        marker=marker,
        markersize=9 if marker == "*" else 5,
        linestyle="none",
        capsize=2,
        elinewidth=1,
        label=label,
    )


COMPARISON = Plot(
    "comparison",
    "One dimension against three",
    "Accuracy over multiply-adds, one line per method; at each budget all methods cost the same. "
    "Where the bars overlap widely, nothing is shown to be better.",
    draw_comparison,
    accuracy_of="answer",
)

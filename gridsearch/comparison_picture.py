"""The picture of a comparison: accuracy over multiply-adds, one line a method (Figure 8)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from results.plots.style import BLUE, GREEN, ORANGE, VERMILION

STYLES = {
    "depth": (BLUE, "s", "depth alone"),
    "width": (GREEN, "^", "width alone"),
    "resolution": (ORANGE, "D", "resolution alone"),
    "compound": (VERMILION, "o", "all three (compound)"),
}
_APART = 0.012  # of the axis, between the error bars of two methods at one budget


def draw_comparison(
    rows: Sequence[Mapping[str, Any]], answer: Mapping[str, Any], path: Path
) -> None:
    """Draw the rows of `comparison.csv` as a PNG, one panel a baseline.

    Args:
        rows: from `gridsearch.comparison_answer.make_rows`.
        answer: the content of `comparison.json`.
        path: of the PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row["baseline"] for row in rows))
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(4.6 * columns + 0.4, 3.9 * lines + 0.7), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(lines, columns, squeeze=False).flatten()
    for panel, name in zip(panels, names, strict=False):
        _draw_panel(panel, name, [row for row in rows if row["baseline"] == name])
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    spread = (
        f"bars: {answer['confidence']:.0%} intervals over {answer['seeds']} seeds"
        if answer["noise"] is not None
        else "one seed, no intervals"
    )
    recipe = answer["recipe"]
    figure.suptitle(
        f"{Path(answer['data']['name']).name}, epochs: {recipe['epochs']}, baseline at "
        f"{recipe['resolution']} px; {spread}",
        fontsize=10,
    )
    figure.savefig(path)


def _draw_panel(panel: Any, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    (base,) = (row for row in rows if row["method"] == "baseline")
    largest = max(row["macs"] for row in rows)
    unit, power = (1e9, "⁹") if largest >= 1e9 else (1e6, "⁶")
    for order, (method, (colour, marker, label)) in enumerate(STYLES.items()):
        points = [row for row in rows if row["method"] == method and row["accuracy"] is not None]
        shift = (order - 1.5) * _APART * largest / unit
        start = [base] if base["accuracy"] is not None else []
        line = [
            *((row["macs"] / unit, 100 * row["accuracy"]) for row in start),
            *((row["macs"] / unit + shift, 100 * row["accuracy"]) for row in points),
        ]
        if line:
            panel.plot(*zip(*line, strict=True), color=colour, linewidth=1.2)
        places = [row["macs"] / unit + shift for row in points]
        _draw_points(panel, points, places, colour, marker, label)
    if base["accuracy"] is not None:
        _draw_points(panel, [base], [base["macs"] / unit], "black", "*", "baseline")
    panel.set_title(name if len(name) < 32 else f"…{name[-31:]}", fontsize=10)
    panel.set_xlabel(f"multiply-adds, 10{power}")
    panel.set_ylabel("validation accuracy, %")
    panel.grid(alpha=0.3)


def _draw_points(
    panel: Any,
    rows: Sequence[Mapping[str, Any]],
    places: Sequence[float],
    colour: str,
    marker: str,
    label: str,
) -> None:
    means = [100 * row["accuracy"] for row in rows]
    # The interval of a picked best is drawn towards the others and may not hold its own mean.
    below = [max(0.0, mean - 100 * (row["low"] or 0.0)) for mean, row in _known(means, rows)]
    above = [max(0.0, 100 * (row["high"] or 0.0) - mean) for mean, row in _known(means, rows)]
    bars = (below, above) if len(below) == len(rows) and rows else None
    panel.errorbar(
        places,
        means,
        yerr=bars,
        color=colour,
        marker=marker,
        markersize=9 if marker == "*" else 5,
        linestyle="none",
        capsize=2,
        elinewidth=1,
        label=label,
    )


def _known(
    means: Sequence[float], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[float, Mapping[str, Any]]]:
    return [(mean, row) for mean, row in zip(means, rows, strict=True) if row["low"] is not None]

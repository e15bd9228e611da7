"""The surface of a grid: how the growth is shared between depth, width and resolution.

All triples of a grid cost about the same, so two numbers tell them apart. A triangle holds them all
and has no place for what is none: its corners are growth in one dimension alone.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.panel import Label, Panel, Series, draw_panel
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    GRID,
    INK,
    VERMILION,
    NothingToDrawError,
    color_bar,
    is_narrow,
    legend_below,
    new_figure,
)
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.units import format_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Row = Mapping[str, Any]

PUBLISHED = (1.2, 1.1, 1.15)
"""EfficientNet's α, β and γ."""
_HEIGHT = math.sqrt(3) / 2
_QUARTERS = (0.25, 0.5, 0.75)


def draw_heatmap(data: RunData) -> "Figure":
    """The surface of a finished grid."""
    return surface(*_finished(data))


def surface_panels(data: RunData) -> list[Panel]:
    """The same as data."""
    return [triangle(*_finished(data))]


def _finished(data: RunData) -> "tuple[Sequence[Row], Row]":
    if not data.rows or not data.answer:
        raise NothingToDrawError(NOTHING_YET if not data.done else "the grid has not ended yet")
    return data.rows, data.answer


def surface(rows: "Sequence[Row]", answer: "Row") -> "Figure":
    """The triangle with the modelled accuracy as its colour, and the measured one as the marks'.

    All were trained alike; what a longer training of the best came to stands beside them. A run
    from before there was a model has the measured accuracy as colour.

    Args:
        rows: of the run's `trials.csv`.
        answer: the content of `coefficients.json`.
    """
    panel = triangle(rows, answer)
    narrow = is_narrow()
    figure = new_figure(5.0 if narrow else 5.6, 7.2)
    axes = figure.add_subplot()
    measured = [row for row in rows if row["accuracy"] is not None]
    values = [100 * value for row in measured for value in (row["accuracy"], shown(row))]
    low, high = min(values), max(values)
    _draw_backdrop(axes, measured, (low, high))
    marks = draw_panel(axes, panel)
    marks.set_clim(low, high)
    modelled = any(row.get("expected") is not None for row in measured)
    what = "surface: expected accuracy; marks: measured" if modelled else "accuracy"
    color_bar(figure, marks, axes, f"{what}, in the grid (%)")
    axes.set_title(panel.title, fontsize=9.5)
    legend_below(figure, 3, axes.get_legend_handles_labels()[0])
    return figure


def triangle(rows: "Sequence[Row]", answer: "Row") -> Panel:
    """The panel: the triangle's edges, every triple, the best ones, the choice."""
    measured = [row for row in rows if row["accuracy"] is not None]
    tied = [row for row in measured if row["tied"]]
    longer = [row for row in measured if row.get("top_accuracy") is not None]
    chosen = [row for row in measured if row["chosen"]]
    if is_narrow():  # the others would stand far from their marks
        longer = [row for row in longer if row["chosen"]]
    published = [row for row in measured if (row["alpha"], row["beta"], row["gamma"]) == PUBLISHED]
    series = [
        *_grid_lines(),
        Series(
            label="one triple", color=BLUE, size=6.5, x=_xs(measured), y=_ys(measured),
            values=[100 * row["accuracy"] for row in measured],
            hover=[_about(row) for row in measured],
        ),
        Series(
            label="statistically tied with the best", color=BLUE, size=10.0, hollow=True,
            x=_xs(tied), y=_ys(tied),
        ),
        Series(
            label="EfficientNet's α, β, γ", color=INK, marker="D", size=13.0, hollow=True,
            x=_xs(published), y=_ys(published),
        ),
        Series(
            label="chosen", color=VERMILION, marker="*", size=14.0, outlined=True,
            x=_xs(chosen), y=_ys(chosen), hover=[_about(row) for row in chosen],
        ),
        Series(
            label="", color=BLUE, marker="", x=_xs(longer), y=_ys(longer),
            names=[f"{100 * row['top_accuracy']:.1f} long" for row in longer],
        ),
    ]  # fmt: skip
    grid = answer["grid"]
    return Panel(
        id="surface",
        x_label="",
        y_label="",
        series=[one for one in series if len(one.x)],
        title=(
            f"φ = {answer['phi']:g}: chosen α = {answer['alpha']:g}, β = {answer['beta']:g}, "
            f"γ = {answer['gamma']:g}\n{Path(str(answer['data']['name'])).name}, "
            f"{grid['triples']} triples, {grid['networks']} networks"
        ),
        value_label="accuracy in the grid (%)",
        height=5.6,
        bare=True,
        labels=[*_corners(), *_edge_labels()],
        x_range=(-0.12, 1.12),
        y_range=(-0.12, 0.98),
    )


def place(alpha: float, beta: float, gamma: float) -> tuple[float, float]:
    """Where a triple stands: by the shares that depth, width and resolution have in log(α·β²·γ²).

    >>> place(2.0, 1.0, 1.0)
    (0.5, 0.866...)
    """
    parts = [math.log(alpha), 2 * math.log(beta), 2 * math.log(gamma)]
    total = sum(parts) or 1.0
    depth, _, resolution = (part / total for part in parts)
    return resolution + depth / 2, depth * _HEIGHT


def shown(row: "Row") -> float:
    """The expected accuracy, or what was measured where nothing is modelled."""
    expected = row.get("expected")
    return float(row["accuracy"] if expected is None else expected)


def _xs(rows: "Sequence[Row]") -> list[float]:
    return [place(row["alpha"], row["beta"], row["gamma"])[0] for row in rows]


def _ys(rows: "Sequence[Row]") -> list[float]:
    return [place(row["alpha"], row["beta"], row["gamma"])[1] for row in rows]


def _about(row: "Row") -> str:
    said = [
        f"α {row['alpha']:g}, β {row['beta']:g}, γ {row['gamma']:g}",
        f"network {row['network']}, {format_count(row['macs'])} MACs",
        f"measured {100 * row['accuracy']:.2f}%",
    ]
    if row.get("expected") is not None:
        said.append(f"expected {100 * row['expected']:.2f}%")
    if row.get("top_accuracy") is not None:
        said.append(f"trained longer {100 * row['top_accuracy']:.2f}%")
    return "\n".join(said)


def _draw_backdrop(axes: "Axes", rows: "Sequence[Row]", limits: tuple[float, float]) -> None:
    """The surface between the triples; too few, or all in a line, span none."""
    import numpy as np

    places = np.array([place(row["alpha"], row["beta"], row["gamma"]) for row in rows])
    if len(rows) < 3 or np.linalg.matrix_rank(places - places[0], tol=1e-6) < 2:
        return
    values = [100 * shown(row) for row in rows]
    low, high = limits
    levels = np.linspace(low, high if high > low else low + 1e-6, 25)
    axes.tricontourf(
        places[:, 0], places[:, 1], values, levels=levels, cmap="cividis", alpha=0.8, zorder=0
    )


def _grid_lines() -> list[Series]:
    """The edges of the triangle, and quarters of each share."""
    width, resolution, depth = (0.0, 0.0), (1.0, 0.0), (0.5, _HEIGHT)
    edge = [width, resolution, depth, width]
    lines = [(edge, FAINT)]
    for share in _QUARTERS:
        for corner, one, other in (
            (depth, width, resolution), (width, depth, resolution), (resolution, width, depth),
        ):  # fmt: skip
            ends = [_between(one, corner, share), _between(other, corner, share)]
            lines.append((ends, GRID))
    return [
        Series(
            label="", x=[x for x, _ in points], y=[y for _, y in points], color=color, marker="",
            line="-",
        )
        for points, color in lines
    ]  # fmt: skip


def _between(
    start: tuple[float, float], end: tuple[float, float], share: float
) -> tuple[float, float]:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _corners() -> list[Label]:
    return [
        Label(text="depth alone (α = 2)", x=0.5, y=_HEIGHT + 0.03, up="bottom"),
        Label(text="width alone (β = 1.41)", x=-0.08, y=-0.08, across="left", up="top"),
        Label(text="resolution alone (γ = 1.41)", x=1.08, y=-0.08, across="right", up="top"),
    ]


def _edge_labels() -> list[Label]:
    """The coefficients that quarters of the growth come to."""
    small: Any = {"size": 7.0, "faint": True}
    found = []
    for share in _QUARTERS:
        up, far = share * _HEIGHT, share / 2
        alpha, beta, gamma = 2.0**share, 2.0 ** (share / 2), 2 ** ((1 - share) / 2)
        found += [
            Label(text=f"α {alpha:.2f}", x=far - 0.03, y=up, across="right", **small),
            Label(text=f"γ {gamma:.2f}", x=1.03 - far, y=up, across="left", **small),
            Label(text=f"β {beta:.2f}", x=1 - share, y=-0.03, up="top", **small),
        ]
    return found


HEATMAP = Plot(
    "heatmap",
    "The surface of the grid",
    "How the growth is shared: at a corner all of it goes into one dimension, in the middle into "
    "all three alike. The surface is what the model of the grid expects, a mark what was "
    "measured; all were trained alike, and what a longer training of the best came to is written "
    "beside them.",
    draw_heatmap,
    panels=surface_panels,
    accuracy_of="search",
)

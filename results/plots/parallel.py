"""Parallel coordinates: what the networks chose, and what came of it, one line a network."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.choices import Choice, Choices, read_choices
from effsearch.results.plots.forest import LEAST_TRIALS, measure_importance
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    FAINT,
    INK,
    PAPER,
    NothingToDrawError,
    color_bar,
    is_narrow,
    new_figure,
)
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.units import format_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CHOICES, _ON_A_PHONE = 6, 3
_MOST_LINES = 600


def draw_parallel(data: RunData) -> "Figure":
    """The most important choices, then MACs, parameters and accuracy; the best are in colour."""
    if not data.done:
        raise NothingToDrawError(NOTHING_YET)
    choices = read_choices(data)
    measured = {trial.number for trial in data.done}
    rows = np.array(
        [row for row, trial in enumerate(choices.trials) if trial.number in measured], dtype=int
    )
    shown = _most_important(data, choices)[: _ON_A_PHONE if is_narrow() else _CHOICES]
    if len(rows) < 2 or not shown:
        raise NothingToDrawError("parallel coordinates need two measured networks that differ")
    values = np.array([choices.trials[row].accuracy for row in rows], dtype=np.float64)
    order = np.argsort(values)[-_MOST_LINES:]
    rows, values = rows[order], values[order]
    figure = new_figure(3.9)
    axes = figure.add_subplot()
    columns = [_choice_column(axes, place, choice, rows) for place, choice in enumerate(shown)]
    labels = [choice.name.replace(f"{choice.stage} ", f"{choice.stage}\n", 1) for choice in shown]
    for name, label in (("macs", "MACs"), ("params", "parameters")):
        numbers = [float(choices.trials[row].costs.get(name, 0)) for row in rows]
        columns.append(_scale(axes, len(columns), numbers, format_count))
        labels.append(label)
    columns.append(_scale(axes, len(columns), list(100 * values), lambda value: f"{value:.1f}"))
    labels.append("accuracy\n(%)")
    _draw_lines(figure, axes, np.stack(columns, axis=1), values)
    axes.set_xticks(range(len(labels)), labels, fontsize=7.5)
    axes.xaxis.set_ticks_position("top")
    axes.tick_params(length=0)
    axes.set_yticks([])
    axes.set_xlim(-0.3, len(labels) - 0.45)
    axes.set_ylim(-0.1, 1.1)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return figure


def _most_important(data: RunData, choices: Choices) -> tuple[Choice, ...]:
    if len(data.done) < LEAST_TRIALS:
        return choices.varied
    return measure_importance(data).choices


def _choice_column(
    axes: "Axes", place: int, choice: Choice, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Heights of the trials' options, spread a little so that lines do not lie on each other."""
    last = len(choice.options) - 1
    for option, label in enumerate(choice.options):
        _tick(axes, place, option / last, label)
    picks = np.asarray(choice.picks, dtype=np.float64)[rows] / last
    wobble = np.random.default_rng(place).uniform(-0.02, 0.02, len(rows))
    return np.asarray(picks + wobble, dtype=np.float64)


def _scale(
    axes: "Axes", place: int, numbers: list[float], write: Callable[[float], str]
) -> NDArray[np.float64]:
    low, high = min(numbers), max(numbers)
    for height in (0.0, 0.5, 1.0):
        _tick(axes, place, height, write(low + height * (high - low)))
    return (np.array(numbers) - low) / (high - low) if high > low else np.full(len(numbers), 0.5)


def _tick(axes: "Axes", place: int, height: float, label: str) -> None:
    axes.plot([place, place], [0, 1], color=FAINT, linewidth=0.8, zorder=1)
    axes.annotate(
        label,
        (place, height),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=7,
        color=INK,
        zorder=5,
        bbox={"boxstyle": "round,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.8},
    )


def _draw_lines(
    figure: "Figure", axes: "Axes", heights: NDArray[np.float64], values: NDArray[np.float64]
) -> None:
    from matplotlib.collections import LineCollection

    x = np.arange(heights.shape[1])
    lines = LineCollection(
        [np.column_stack((x, row)) for row in heights],
        array=values * 100,
        cmap="cividis",
        linewidths=np.where(values >= np.quantile(values, 0.9), 1.6, 0.6),
        alpha=0.75,
        zorder=2,
    )
    axes.add_collection(lines)
    color_bar(figure, lines, axes, "accuracy in the search (%)")


PARALLEL = Plot(
    "parallel",
    "Choices and outcome, line by line",
    "One line per network through the most important choices, its costs and its accuracy; the "
    "best tenth is drawn thicker.",
    draw_parallel,
    accuracy_of="search",
)

"""Which choices a search came to prefer, stage by stage, from its start to its end."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.choices import FIELDS, Choice, read_choices
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    NothingToDrawError,
    color_bar,
    is_narrow,
    new_figure,
)
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_PERIODS = 12
_LEAST_TRIALS = 8
_ON_A_PHONE = 3
"""Choices beside each other."""
_CELL, _HEIGHT, _LINE, _GAP, _TITLE, _STAGE = 0.8, 0.66, 0.76, 0.1, 0.25, 0.2
"""Inches of a cell, from one line to the next, between cells, and of what stands around them."""
_PHONE_ROOM = 3.75
_LETTER = 0.068
"""Inches of a letter in an option's name."""


def draw_preferences(data: RunData) -> "Figure":
    """A small map for each choice: options upward, time to the right, dark where often asked."""
    from matplotlib.colors import LinearSegmentedColormap

    if not data.done:
        raise NothingToDrawError(NOTHING_YET)
    if data.kind == "coefficients":
        raise NothingToDrawError("a grid asks for all of its networks: it prefers none")
    choices = read_choices(data)
    if len(choices.trials) < _LEAST_TRIALS or not any(one.stage for one in choices.varied):
        raise NothingToDrawError(f"preferences need {_LEAST_TRIALS} networks that differ")
    cells = {(one.stage, one.field): one for one in choices.varied if one.stage}
    columns = [field for field in FIELDS if any(field == one for _, one in cells)]
    stages = sorted({stage for stage, _ in cells})
    periods = min(_MOST_PERIODS, len(choices.trials) // 4)
    shades = LinearSegmentedColormap.from_list("shares", ["#ffffff", BLUE, "#00263c"])
    narrow = is_narrow()
    across = min(_ON_A_PHONE, len(columns)) if narrow else len(columns)
    lines = -(-len(columns) // across)  # of one stage
    words = _word_widths(cells, columns, across)
    cell = (_PHONE_ROOM - sum(words)) / across - _GAP if narrow else _CELL
    lefts = [_STAGE + sum(words[: column + 1]) + column * (cell + _GAP) for column in range(across)]
    line = _LINE if lines == 1 else _LINE + _TITLE
    right, bottom = lefts[-1] + cell, _TITLE + line * len(stages) * lines
    figure = new_figure(bottom + (1.4 if narrow else 0.6), width=right + 1.1)
    axes = figure.add_subplot()
    # One pair of axes for all cells, in inches: a pair for each takes seconds to lay out.
    axes.set_axis_off()
    image = None
    for row, stage in enumerate(stages):
        for column, field in enumerate(columns):
            left, top = lefts[column % across], _TITLE + line * (row * lines + column // across)
            if lines > 1 or row == 0:
                axes.text(left + cell / 2, top - 0.06, field, fontsize=8.5, ha="center")
            if column % across == 0:
                axes.text(
                    0.08, top + _HEIGHT / 2, f"stage {stage}", fontsize=8.5, rotation=90,
                    va="center", ha="center",
                )  # fmt: skip
            if choice := cells.get((stage, field)):
                image = axes.imshow(
                    _shares(choice, periods)[::-1], aspect="auto", origin="upper", cmap=shades,
                    vmin=0, vmax=1, interpolation="nearest",
                    extent=(left, left + cell, top + _HEIGHT, top),
                )  # fmt: skip
                _frame(axes, choice, left, top, cell)
    axes.set_xlim(0, right)
    axes.set_ylim(bottom, 0)
    if image is not None:
        color_bar(figure, image, axes, "share of networks (fraction)")
    figure.supxlabel(
        f"left to right: from the search's start to its end, {len(choices.trials)} networks "
        f"in {periods} periods",
        fontsize=8.5,
    )
    return figure


def _word_widths(
    cells: Mapping[tuple[int, str], Choice], columns: Sequence[str], across: int
) -> list[float]:
    """Inches that the names of options take on the left of each column of cells."""
    longest = [0] * across
    for (_, field), choice in cells.items():
        column = columns.index(field) % across
        longest[column] = max(longest[column], *map(len, choice.options))
    return [_LETTER * letters + 0.06 for letters in longest]


def _frame(axes: "Axes", choice: Choice, left: float, top: float, width: float) -> None:
    """The names of a cell's options, the first at the bottom, and a line around it."""
    from matplotlib.patches import Rectangle

    for place, option in enumerate(reversed(choice.options)):
        middle = top + _HEIGHT * (place + 0.5) / len(choice.options)
        axes.text(left - 0.04, middle, option, fontsize=7, ha="right", va="center")
    axes.add_patch(
        Rectangle((left, top), width, _HEIGHT, fill=False, edgecolor=FAINT, linewidth=0.5)
    )


def _shares(choice: Choice, periods: int) -> NDArray[np.float64]:
    """Fraction of each option in each period, (options, periods)."""
    parts = np.array_split(np.asarray(choice.picks), periods)
    options = len(choice.options)
    return np.stack([np.bincount(part, minlength=options) / len(part) for part in parts], axis=1)


PREFERENCES = Plot(
    "preferences",
    "What the search came to prefer",
    "For every choice of every stage, how often each option was asked for, from the search's "
    "start (left) to its end (right).",
    draw_preferences,
)

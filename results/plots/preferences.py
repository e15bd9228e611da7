"""Which choices a search came to prefer, stage by stage, from its start to its end."""

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
    from matplotlib.figure import Figure

_MOST_PERIODS = 12
_LEAST_TRIALS = 8
_ON_A_PHONE = 3
"""Choices beside each other."""


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
    across = min(_ON_A_PHONE, len(columns)) if is_narrow() else len(columns)
    lines = -(-len(columns) // across)  # of one stage
    figure = new_figure(0.9 + 0.95 * len(stages) * lines, width=max(5.5, 1.35 * len(columns) + 1.0))
    grid = figure.subplots(len(stages) * lines, across, squeeze=False)
    for axes in grid.flatten():
        axes.set_axis_off()
    image = None
    for row, stage in enumerate(stages):
        for column, field in enumerate(columns):
            axes = grid[row * lines + column // across][column % across]
            choice = cells.get((stage, field))
            if lines > 1 or row == 0:
                axes.set_title(field, fontsize=8.5 if lines > 1 else 9)
            if column % across == 0:
                # Beside its row also where that cell is none.
                axes.text(
                    -0.75 if lines > 1 else -0.62,
                    0.5,
                    f"stage {stage}",
                    fontsize=8.5,
                    rotation=90,
                    va="center",
                    ha="center",
                    transform=axes.transAxes,
                )
            if choice is None:
                continue
            axes.set_axis_on()
            image = axes.imshow(
                _shares(choice, periods),
                aspect="auto",
                origin="lower",
                cmap=shades,
                vmin=0,
                vmax=1,
                interpolation="nearest",
            )
            axes.set_yticks(range(len(choice.options)), choice.options, fontsize=7)
            axes.set_xticks([])
            axes.grid(visible=False)
            axes.tick_params(length=0, pad=2)
            for spine in axes.spines.values():
                spine.set_visible(True)
                spine.set_color(FAINT)
                spine.set_linewidth(0.5)
    if image is not None:
        color_bar(figure, image, grid, "share of networks (fraction)")
    figure.supxlabel(
        f"left to right: from the search's start to its end, {len(choices.trials)} networks\n"
        f"in {periods} periods",
        fontsize=8.5,
    )
    return figure


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

"""Which choices a search came to prefer, stage by stage, from its start to its end."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.choices import FIELDS, Choice, read_choices
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import BLUE, FAINT, NothingToDrawError, new_figure
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_PERIODS = 12
_LEAST_TRIALS = 8


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
    figure = new_figure(0.9 + 0.95 * len(stages), width=max(5.5, 1.35 * len(columns) + 1.0))
    grid = figure.subplots(len(stages), len(columns), squeeze=False)
    image = None
    for row, stage in enumerate(stages):
        for column, field in enumerate(columns):
            axes = grid[row][column]
            choice = cells.get((stage, field))
            if choice is None:
                axes.set_axis_off()
                continue
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
    _label(grid, stages, columns)
    if image is not None:
        bar = figure.colorbar(
            image, ax=grid, shrink=0.8 if len(stages) < 4 else 0.5, aspect=30, pad=0.01
        )
        bar.set_label("share of networks (fraction)", fontsize=8)
        bar.outline.set_visible(False)
    figure.supxlabel(
        f"left to right: from the search's start to its end, {len(choices.trials)} networks\n"
        f"in {periods} periods",
        fontsize=8.5,
    )
    return figure


def _label(grid: "NDArray[np.object_]", stages: list[int], columns: list[str]) -> None:
    """Titles over the top row, stages beside the first column, where those cells exist or not."""
    for column, field in enumerate(columns):
        grid[0][column].set_title(field, fontsize=9)
    for row, stage in enumerate(stages):
        grid[row][0].set_ylabel(f"stage {stage}", fontsize=8.5)


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
    is_wide=True,
)

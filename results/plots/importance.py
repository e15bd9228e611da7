"""Parameter importance as bars, with what it rests on."""

from typing import TYPE_CHECKING

import numpy as np

from effsearch.results.plots.forest import measure_importance
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import BLUE, FAINT, new_figure
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 15


def draw_importance(data: RunData) -> "Figure":
    """The most important choices, with the spread over forests and shuffles."""
    found = measure_importance(data)
    shown = min(_SHOWN, len(found.choices))
    figure = new_figure(1.3 + 0.24 * shown)
    axes = figure.add_subplot()
    places = np.arange(shown)
    learned = found.explained > 0
    axes.barh(
        places,
        found.losses[:shown],
        xerr=found.spreads[:shown],
        color=BLUE if learned else FAINT,
        alpha=1.0 if learned else 0.35,
        height=0.7,
        error_kw={"ecolor": FAINT, "elinewidth": 1.0, "capsize": 2},
    )
    axes.axvline(0, color=FAINT, linewidth=0.8)
    axes.set_yticks(places, [choice.name for choice in found.choices[:shown]])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("R² lost on held-out networks when the choice is shuffled (no unit)")
    axes.set_title(_title(found.explained, found.trials), loc="left", fontsize=9)
    return figure


def _title(explained: float, trials: int) -> str:
    if explained <= 0:
        return (
            f"The forests learned nothing from {trials} networks (R² {explained:.2f} held out): "
            "these bars are noise; more evaluations may tell"
        )
    return f"Random forest on {trials} networks explains {explained:.0%} of the variance held out"


IMPORTANCE = Plot(
    "importance",
    "Which choices mattered",
    "Permutation importance of random forests that predict the accuracy from the choices, "
    "measured on networks they had not seen. Bars within the reach of 0 say nothing.",
    draw_importance,
    accuracy_of="search",
)

"""The learning curve of every candidate: whether the proxy was long enough to tell them apart."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    GIVEN_UP,
    SKY,
    VERMILION,
    NothingToDrawError,
    legend_above,
    new_figure,
)
from effsearch.results.store.run_data import RunData
from effsearch.results.store.trials import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_LINES = 300
_BEST = 5
_LEAST = 8
"""Networks for which an order is told."""


def draw_curves(data: RunData) -> "Figure":
    """Accuracy over the epochs; below, how early each epoch's order was the last one's."""
    from matplotlib.collections import LineCollection
    from matplotlib.ticker import MaxNLocator

    curves = [(trial, curve_of(trial)) for trial in data.done]
    known = [(trial, curve) for trial, curve in curves if len(curve) > 1]
    if not known:
        raise NothingToDrawError(
            NOTHING_YET if not data.done else "its trials have no learning curves"
        )
    longest = max(len(curve) for _, curve in known)
    whole = [(trial, curve) for trial, curve in known if len(curve) == longest]
    best = sorted(whole, key=lambda pair: -pair[1][-1])[:_BEST]
    told = len(whole) >= _LEAST and longest > 2
    figure = new_figure(4.6 if told else 3.2)
    panels = figure.subplots(
        2 if told else 1, 1, sharex=True, squeeze=False, height_ratios=(2.2, 1) if told else None
    )[:, 0]
    axes = panels[0]
    places = np.linspace(0, len(known) - 1, min(_MOST_LINES, len(known))).astype(int)
    shown = [known[place] for place in places]
    groups = (
        ("stopped early", GIVEN_UP, [curve for trial, curve in shown if trial.partial]),
        ("one network", SKY, [curve for trial, curve in shown if not trial.partial]),
        (f"the best {len(best)} at the end", BLUE, [curve for _, curve in best]),
    )
    for label, color, lines in groups:
        if lines:
            points = [
                np.column_stack((np.arange(1, len(line) + 1), 100 * np.array(line)))
                for line in lines
            ]
            axes.add_collection(
                LineCollection(
                    points, colors=color, label=label, alpha=0.55 if color == SKY else 0.9,
                    linewidths=1.5 if color == BLUE else 0.7,
                )
            )  # fmt: skip
    axes.autoscale_view()
    axes.set_ylabel("accuracy (%)")
    if told:
        _draw_agreement(panels[1], [curve for _, curve in whole])
    panels[-1].set_xlabel("epoch")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    for panel in panels:
        panel.tick_params(color=FAINT)
        panel.margins(x=0.02)
    legend_above(axes, 3)
    return figure


def curve_of(trial: Trial) -> list[float]:
    """Its accuracies, one an epoch; none where it has no curve, or one of something else."""
    curve = trial.measurements.get("curve")
    if not isinstance(curve, Sequence) or isinstance(curve, str):
        return []
    return [float(value) for value in curve if isinstance(value, int | float)]


def _draw_agreement(axes: "Axes", curves: Sequence[Sequence[float]]) -> None:
    from scipy.stats import kendalltau

    table = np.array(curves)
    last = table[:, -1]
    agreement = [
        float(kendalltau(table[:, epoch], last).statistic) for epoch in range(table.shape[1])
    ]
    axes.plot(range(1, len(agreement) + 1), agreement, color=VERMILION, marker="o", markersize=3.5)
    axes.set_ylim(min(0.0, *agreement) - 0.03, 1.05)
    axes.set_ylabel("Kendall's τ with\nthe last epoch")


CURVES = Plot(
    "curves",
    "Learning curves of the candidates",
    "Accuracy after each epoch, one line per network. Below, how well the order of the networks "
    "after that many epochs agrees with that after the last: where it is near 1 early, shorter "
    "trainings would have told the same.",
    draw_curves,
    accuracy_of="search",
)

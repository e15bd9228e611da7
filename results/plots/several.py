"""Several runs on the same axes: the best reward so far against evaluations."""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.incumbents import common_budget, ended_trials
from effsearch.results.plots.style import (
    CYCLE,
    FAINT,
    NothingToDrawError,
    legend_above,
    new_figure,
)
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DASHES = ("-", "--", "-.", ":")


def draw_several(runs: Sequence[RunData]) -> "Figure":
    """One line a run; a vertical line where the shortest ends."""
    figure = new_figure(3.4)
    axes = figure.add_subplot()
    drawn = 0
    for place, data in enumerate(runs):
        ended = [trial.reward for trial in ended_trials(data)]
        points = [(x, reward) for x, reward in enumerate(ended, start=1) if reward is not None]
        if not points:
            continue
        x, rewards = zip(*points, strict=True)
        strategy = data.record["config"].get("strategy")
        axes.step(
            [*x, len(ended)],
            [*accumulate(rewards, max), max(rewards)],
            where="post",
            color=CYCLE[place % len(CYCLE)],
            linestyle=_DASHES[place // len(CYCLE) % len(_DASHES)],
            linewidth=1.8,
            label=data.reference + (f" ({strategy})" if strategy else ""),
        )
        drawn += 1
    if not drawn:
        raise NothingToDrawError(NOTHING_YET)
    axes.axvline(common_budget(runs), color=FAINT, linestyle=":", linewidth=1.2)
    axes.set_xlabel("evaluations, in the order asked (dotted: as many as every run has)")
    axes.set_ylabel("best reward so far (no unit)")
    axes.margins(x=0.02)
    legend_above(axes, 3)
    return figure

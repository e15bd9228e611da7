"""A comparison as a picture: the incumbent's reward over evaluations, with intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nas.bench.race import Trace
from nas.bench.standing import grouped, interval
from results.plots.style import CYCLE, FAINT, legend_above, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = ("-", "--", ":")  # tells strategies apart where the colours have gone round


def draw(traces: Sequence[Trace], best: float | None) -> "Figure":
    """Means over the seeds with their 95% intervals; `best` is drawn where it is known."""
    figure = new_figure(3.6)
    axes = figure.add_subplot()
    for place, (name, runs) in enumerate(grouped(traces).items()):
        rewards = np.array([trace.rewards for trace in runs])
        bands = np.array([interval(column) for column in rewards.T])
        steps = np.arange(1, rewards.shape[1] + 1)
        color, dashes = CYCLE[place % len(CYCLE)], _STYLES[place // len(CYCLE) % len(_STYLES)]
        axes.plot(steps, bands[:, 0], dashes, color=color, label=name, linewidth=1.5)
        low, high = bands[:, 0] - bands[:, 1], bands[:, 0] + bands[:, 1]
        axes.fill_between(steps, low, high, color=color, alpha=0.15, linewidth=0)
    if best is not None:
        axes.axhline(best, color=FAINT, linewidth=0.8, linestyle=(0, (1, 2)))
        axes.annotate("best there is", (1, best), color=FAINT, va="bottom", fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("evaluations")
    axes.set_ylabel("reward without noise")
    # The first few evaluations are luck, and would squeeze all that follows.
    shown = [
        np.nanmean([t.rewards[min(9, len(t.rewards) - 1)] for t in runs])
        for runs in grouped(traces).values()
    ]
    bottom = float(np.nanmin(shown))
    top = max(max(t.rewards[-1] for t in traces), best or -np.inf)
    axes.set_ylim(bottom, top + 0.05 * max(top - bottom, 1e-6))
    axes.set_xlim(left=min(5, len(traces[0].rewards)))
    legend_above(axes, 4)
    return figure

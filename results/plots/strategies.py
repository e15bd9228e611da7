"""Strategies against each other: the incumbent's reward over evaluations, with intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from effsearch.results.bench_files import interval, read_rewards
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import CYCLE, FAINT, NothingToDrawError, legend_above, new_figure
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OPENING = 10  # the first few evaluations are luck, and would squeeze all that follows
_TICKS = (10, 25, 50, 100, 200, 400, 800, 1600, 3200)
_MARKS = "osD^vPX"
_APART = 1.022  # times as far right stands the interval of the next strategy
_STYLES = ("-", "--", ":")  # tells strategies apart where the colours have gone round


def draw_strategies(data: RunData) -> "Figure":
    """The searches of a comparison that has ended."""
    rewards = read_rewards(Path(data.path))
    if not rewards:
        raise NothingToDrawError("not all searches have ended yet")
    return draw_rewards(rewards, (data.answer or {}).get("best"))


def draw_rewards(rewards: Mapping[str, Sequence[Sequence[float]]], best: float | None) -> "Figure":
    """Means over the seeds with their 95% intervals.

    Args:
        rewards: by strategy, (seeds, evaluations).
        best: highest reward there is, drawn where it is known.
    """
    from matplotlib.ticker import NullFormatter

    figure = new_figure(3.8)
    axes = figure.add_subplot()
    samples = len(next(iter(rewards.values()))[0])
    opening = min(_OPENING, samples)
    ticks = [mark for mark in _TICKS if opening <= mark <= samples] or [samples]
    heights = [] if best is None else [best]
    for place, (name, runs) in enumerate(rewards.items()):
        mean, half = np.array([interval(column) for column in np.array(runs).T]).T
        steps = np.arange(1, samples + 1)
        color, dashes = CYCLE[place % len(CYCLE)], _STYLES[place // len(CYCLE) % len(_STYLES)]
        axes.plot(steps, mean, dashes, color=color, linewidth=1.3)
        # Beside each other: intervals on one place would hide each other as bands do.
        shift = _APART ** (place - (len(rewards) - 1) / 2)
        at = np.array(ticks) - 1
        axes.errorbar(
            np.array(ticks) * shift, mean[at], yerr=np.nan_to_num(half[at]), color=color,
            marker=_MARKS[place % len(_MARKS)], markersize=4.5, linestyle=dashes, linewidth=0,
            elinewidth=1.1, capsize=1.5, label=name,
        )  # fmt: skip
        heights += [mean[opening - 1], mean[-1]]
        heights += [
            value for at in (mean - half, mean + half) for value in (at[opening - 1], at[-1])
        ]
    if best is not None:
        axes.axhline(best, color=FAINT, linewidth=0.8, linestyle=(0, (1, 2)))
        axes.annotate("best there is", (opening, best), color=FAINT, va="bottom", fontsize=8)
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{mark:,}" for mark in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(opening * 0.88, samples * 1.14)
    shown = [height for height in heights if np.isfinite(height)]
    if shown:
        margin = 0.08 * (max(shown) - min(shown)) or 1e-3
        axes.set_ylim(min(shown) - margin, max(shown) + margin)
    axes.set_xlabel("evaluations")
    axes.set_ylabel("reward without noise")
    legend_above(axes, 4)
    return figure


STRATEGIES = Plot(
    "strategies",
    "Strategies over evaluations",
    "The reward without noise of the network that each strategy would answer with: mean over "
    "the seeds, at some of the evaluations with its 95% interval.",
    draw_strategies,
)

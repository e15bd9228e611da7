"""How a search went: each reward and the best so far, over evaluations and over time."""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    PAPER,
    SKY,
    VERMILION,
    NothingToDrawError,
    explain_given_up,
    legend_above,
    mark_colors,
    new_figure,
)
from effsearch.results.store.run_data import RunData
from effsearch.results.store.trials import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UNITS = ((3 * 86400.0, 86400.0, "days"), (2 * 3600.0, 3600.0, "hours"), (180.0, 60.0, "minutes"))


def draw_evaluations(data: RunData) -> "Figure":
    """Reward over the order in which networks were asked for."""
    done = data.done
    if not done:
        raise NothingToDrawError(NOTHING_YET)
    failed = [trial for trial in data.trials if trial.state == "failed"]
    places = {trial.number: place for place, trial in enumerate(data.trials, start=1)}
    return _draw(
        "evaluation, in the order asked",
        [float(places[trial.number]) for trial in done],
        done,
        [float(places[trial.number]) for trial in failed],
    )


def draw_time(data: RunData) -> "Figure":
    """Reward over the time since the first network was asked for."""
    done = data.done
    if not done:
        raise NothingToDrawError(NOTHING_YET)
    start = min(trial.asked_at for trial in data.trials)
    longest = max(_finished_at(trial) for trial in data.trials if trial.finished_at) - start
    size, unit = next(
        ((size, unit) for least, size, unit in _UNITS if longest >= least), (1.0, "seconds")
    )
    failed = [trial for trial in data.trials if trial.state == "failed"]
    return _draw(
        f"time since the search began ({unit})",
        [(_finished_at(trial) - start) / size for trial in done],
        done,
        [(_finished_at(trial) - start) / size for trial in failed],
    )


def _draw(label: str, x: list[float], done: Sequence[Trial], failed: list[float]) -> "Figure":
    """`x` of each done trial, in any order, and of the failed ones."""
    rewards = [trial.reward or 0.0 for trial in done]
    whole = [place for place, trial in enumerate(done) if not trial.partial] or range(len(done))
    order = sorted(whole, key=x.__getitem__)
    best = list(accumulate((rewards[place] for place in order), max))
    figure = new_figure(3.2)
    axes = figure.add_subplot()
    points = axes.scatter(
        x,
        rewards,
        s=16,
        color=mark_colors(done, SKY),
        edgecolors=PAPER,
        linewidths=0.4,
        label="one network",
    )
    points.set_gid("trial-points")
    explain_given_up(axes, done)
    axes.step(
        [x[place] for place in order],
        best,
        where="post",
        color=BLUE,
        linewidth=1.8,
        label="best so far",
    )
    if failed:
        axes.scatter(
            failed,
            [0.02] * len(failed),
            marker="x",
            s=18,
            color=VERMILION,
            linewidths=1.0,
            transform=axes.get_xaxis_transform(),
            label="failed",
        )
    leader = order[best.index(best[-1])]
    axes.annotate(
        f"trial {done[leader].number}: {best[-1]:.4f}",
        (x[leader], best[-1]),
        xytext=(4, 5),
        textcoords="offset points",
        ha="left" if x[leader] < 0.7 * max(x) else "right",
        fontsize=8,
    )
    axes.set_xlabel(label)
    axes.set_ylabel("reward (no unit)")
    axes.margins(x=0.02, y=0.1)
    axes.set_xlim(left=0)
    axes.tick_params(color=FAINT)
    legend_above(axes, 3)
    return figure


def _finished_at(trial: Trial) -> float:
    return trial.finished_at or trial.asked_at


PROGRESS = Plot(
    "progress",
    "Reward over evaluations",
    "Each network's reward and the best so far, in the order the search asked for them.",
    draw_evaluations,
)


TIME = Plot(
    "time",
    "Reward over time",
    "The same by the clock; a stop between two sessions counts as time.",
    draw_time,
)

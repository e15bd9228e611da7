"""How a search went: its rewards over evaluations, and where its time went."""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.panel import (
    Panel,
    Series,
    about,
    draw_panel,
)
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    SKY,
    VERMILION,
    NothingToDrawError,
    legend_above,
    new_figure,
)
from effsearch.results.store.run_data import RunData
from effsearch.results.store.trials import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UNITS = ((3 * 86400.0, 86400.0, "days"), (2 * 3600.0, 3600.0, "hours"), (180.0, 60.0, "minutes"))


def progress_panels(data: RunData) -> list[Panel]:
    """Reward over the order in which networks were asked for, and the best so far."""
    done = data.done
    if not done:
        raise NothingToDrawError(NOTHING_YET)
    places = {trial.number: float(at) for at, trial in enumerate(data.trials, start=1)}
    x = [places[trial.number] for trial in done]
    rewards = [trial.reward or 0.0 for trial in done]
    whole = [at for at, trial in enumerate(done) if not trial.partial] or list(range(len(done)))
    best = list(accumulate((rewards[at] for at in whole), max))
    leader = whole[best.index(best[-1])]
    found = f"trial {done[leader].number}: {best[-1]:.4f}"
    low, high = min(rewards), max(rewards)
    floor = low - 0.06 * ((high - low) or 0.1)
    failed = [trial for trial in data.trials if trial.state == "failed"]
    return [
        Panel(
            id="progress",
            x_label="evaluation, in the order asked",
            y_label="reward (no unit)",
            series=[
                Series(
                    label="one network", x=x, y=rewards, color=SKY, size=4.0,
                    hover=[about(trial) for trial in done], trials=done,
                ),
                Series(
                    label="best so far", x=[x[at] for at in whole], y=best, color=BLUE, marker="",
                    line="steps",
                ),
                Series(
                    label="", x=[x[leader]], y=[best[-1]], color=BLUE, size=6.0, names=[found],
                    hover=[about(done[leader])],
                ),
                *_failed(failed, [places[trial.number] for trial in failed], floor),
            ],
            x_range=(0, 1.02 * max(places.values())),
        )
    ]  # fmt: skip


def time_panels(data: RunData) -> list[Panel]:
    """Networks measured so far over the clock, and how long each took."""
    done = data.done
    if not done:
        raise NothingToDrawError(NOTHING_YET)
    start = min(trial.asked_at for trial in data.trials)
    failed = [trial for trial in data.trials if trial.state == "failed"]
    ends = [_finished_at(trial) - start for trial in done]
    longest = max([*ends, *(_finished_at(trial) - start for trial in failed)])
    size, unit = next(
        ((size, unit) for least, size, unit in _UNITS if longest >= least), (1.0, "seconds")
    )
    order = sorted(ends)
    label = f"time since the search began ({unit})"
    room = (0.0, 1.02 * longest / size or 1.0)
    seconds = [trial.seconds or 0.0 for trial in done]
    return [
        Panel(
            id="count",
            x_label="",
            y_label="measured",
            series=[
                Series(
                    label="", x=[0.0, *(at / size for at in order)],
                    y=[float(count) for count in range(len(order) + 1)], color=BLUE, marker="",
                    line="steps",
                )
            ],
            x_range=room,
            height=1.4,
        ),
        Panel(
            id="time",
            x_label=label,
            y_label="one evaluation (seconds)",
            series=[
                Series(
                    label="one network", x=[at / size for at in ends], y=seconds, color=BLUE,
                    size=4.0, hover=[about(trial) for trial in done], trials=done, is_crowd=True,
                ),
                *_failed(
                    failed,
                    [(_finished_at(trial) - start) / size for trial in failed],
                    [trial.seconds or 0.0 for trial in failed],
                ),
            ],
            x_range=room,
            y_range=(0.0, 1.08 * max([*seconds, *(trial.seconds or 0.0 for trial in failed)]) or 1),
            height=2.0,
        ),
    ]  # fmt: skip


def draw_evaluations(data: RunData) -> "Figure":
    """The rewards."""
    return _draw(progress_panels(data))


def draw_time(data: RunData) -> "Figure":
    """The time."""
    return _draw(time_panels(data))


def _draw(panels: Sequence[Panel]) -> "Figure":
    heights = [panel.height for panel in panels]
    figure = new_figure(sum(heights) + 0.3)
    axes = figure.subplots(len(panels), 1, height_ratios=heights, squeeze=False)[:, 0]
    for place, panel in zip(axes, panels, strict=True):
        draw_panel(place, panel, 8.0)
        legend_above(place, 4)
    return figure


def _failed(trials: Sequence[Trial], x: list[float], y: float | list[float]) -> list[Series]:
    if not trials:
        return []
    return [
        Series(
            label="failed",
            x=x,
            y=y if isinstance(y, list) else [y] * len(x),
            color=VERMILION,
            marker="x",
            size=4.5,
            hover=[f"trial {trial.number}: {trial.error or trial.reason}" for trial in trials],
        )
    ]


def _finished_at(trial: Trial) -> float:
    return trial.finished_at or trial.asked_at


PROGRESS = Plot(
    "progress",
    "Reward over evaluations",
    "Each network's reward and the best so far, in the order the search asked for them.",
    draw_evaluations,
    panels=progress_panels,
)


TIME = Plot(
    "time",
    "Where the time went",
    "Above, how many networks had been measured by then: where the line is flat, nothing ended. "
    "Below, how long each took. A stop between two sessions counts as time.",
    draw_time,
    panels=time_panels,
)

"""Pareto fronts: networks that no other beats in both accuracy and one cost."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from effsearch.results.formatting import number
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.metrics import find_metric

_NARROW = 1.25  # times the lowest cost; the band of a search is 10% unless told otherwise


def cost_of(trial: Trial, name: str) -> float | None:
    """A cost that was counted or measured, such as `macs` or `latency_ms`; None where absent."""
    value = trial.costs.get(name, trial.measurements.get(name))
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return value if usable else None  # type: ignore[return-value]


def cost_names(trials: Iterable[Trial]) -> list[str]:
    """Costs a front can be drawn over: those counted, and measured times and sizes."""
    names: dict[str, None] = {}
    for trial in trials:
        names |= dict.fromkeys(trial.costs)
        measured = (name for name in trial.measurements if name.endswith(("_ms", "_bytes")))
        names |= dict.fromkeys(name for name in measured if cost_of(trial, name) is not None)
    return list(names)


def pareto_trials(trials: Sequence[Trial], cost: str = "macs") -> list[Trial]:
    """The front, cheapest first; of equal networks the one asked first.

    Trainings that were given up are left out: what they would have reached is not known.

    Raises:
        InputError: no trial has such a cost; those there are are named.
    """
    known = cost_names(trials)
    if known and cost not in known:
        raise unknown_name("cost", cost, known)
    measured = [
        (value, trial.accuracy, trial)
        for trial in sorted(trials, key=lambda trial: trial.number)
        if trial.state == "done"
        and not trial.partial
        and trial.accuracy is not None
        and (value := cost_of(trial, cost)) is not None
    ]
    front = cheapest_first([one[1] for one in measured], [one[0] for one in measured])
    first = {measured[place][0]: measured[place][2] for place in reversed(front)}
    return list(reversed(first.values()))


@dataclass(frozen=True)
class Front:
    """A front as it is shown, cheapest first.

    Attributes:
        trials: its networks.
        left_out: networks that no other beats, and that nobody would take all the same.
        notes: what a reader should know of it, a line each.
    """

    trials: list[Trial]
    left_out: list[Trial]
    notes: tuple[str, ...]


def front_of(trials: Sequence[Trial], cost: str = "macs") -> Front:
    """The front without what is on it for its cost alone.

    A training that came to nothing is on every front if its network is the cheapest. Such as have
    less than half the accuracy of the most accurate network at more than half its cost are left
    out. Of a search that kept to a narrow band of costs it is said that its front is no trade-off.

    Raises:
        InputError: as `pareto_trials`.
    """
    whole = pareto_trials(trials, cost)
    if not whole:
        return Front([], [], ())
    best = whole[-1]
    best_cost, best_accuracy = cost_of(best, cost) or 0.0, best.accuracy or 0.0
    kept: list[Trial] = []
    left_out: list[Trial] = []
    for trial in whole:
        is_poor = (trial.accuracy or 0.0) < best_accuracy / 2
        is_dear = (cost_of(trial, cost) or 0.0) > best_cost / 2
        (left_out if is_poor and is_dear else kept).append(trial)
    notes = []
    if left_out:
        which = ", ".join(str(trial.number) for trial in left_out)
        notes.append(
            f"left out: trial {which}, with less than half the best accuracy at more than half "
            "its cost"
        )
    done = [value for one in trials if one.state == "done" and (value := cost_of(one, cost))]
    if max(done) < _NARROW * min(done):
        low, high = number(cost, min(done)), number(cost, max(done))
        notes.append(
            f"all networks cost {low} to {high} {find_metric(cost).label}, as the search kept to "
            "its cost band: this is no trade-off of accuracy and cost. --cost-band 1 or "
            "--strategy nsga2 searches one"
        )
    return Front(kept, left_out, tuple(notes))


def cheapest_first(accuracies: Sequence[float], costs: Sequence[float]) -> list[int]:
    """Places of what none beats in both accuracy and cost, by rising cost.

    Equals stand or fall together, in the order given; what has a NaN is never on the front.
    """
    points = [
        (cost, -accuracy, place)
        for place, (accuracy, cost) in enumerate(zip(accuracies, costs, strict=True))
        if not (math.isnan(accuracy) or math.isnan(cost))
    ]
    front: list[tuple[float, float, int]] = []
    for point in sorted(points):
        if not front or point[1] < front[-1][1] or point[:2] == front[-1][:2]:
            front.append(point)
    return [place for _, _, place in front]


def find_trial(trials: Sequence[Trial], text: str) -> Trial:
    """The trial of a number, or the first one of a network's id.

    Raises:
        InputError: there is none; the range of numbers is named.
    """
    for trial in trials:
        if str(trial.number) == text:
            return trial
    for trial in trials:
        if trial.arch_id == text:
            return trial
    known = f"trials {trials[0].number} to {trials[-1].number}" if trials else "no trials yet"
    raise InputError(f"there is no trial '{text}': the run has {known}; a network's id works too")

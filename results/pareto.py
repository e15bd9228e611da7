"""Pareto fronts: networks that no other beats in both accuracy and one cost."""

import math
from collections.abc import Iterable, Sequence

from effsearch.results.store.trials import Trial
from effsearch.search_spaces.errors import InputError, unknown_name


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

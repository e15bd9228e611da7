"""Trials: the events of a ledger joined to one record a trial, and the order of the best."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from effsearch.results.store.ledger import Asked, Event, Failed, Told
from effsearch.search_spaces.errors import InputError

State = Literal["waiting", "done", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One architecture that a strategy asked for, and what came of it.

    `reward` and `measurements` belong to `done` trials, `reason` and `error` to `failed` ones;
    times are seconds since the epoch, `seconds` is how long the evaluation took, `epochs` how long
    it was to be trained where that was less than a whole training.
    """

    number: int
    batch: int
    seed: int
    arch_id: str
    architecture: str
    encoding: tuple[int, ...]
    costs: dict[str, float | int]
    state: State
    asked_at: float
    measurements: dict[str, object]
    reward: float | None = None
    reason: str | None = None
    error: str | None = None
    seconds: float | None = None
    worker: str | None = None
    finished_at: float | None = None
    epochs: int | None = None

    @property
    def accuracy(self) -> float | None:
        """The measured accuracy as a fraction, where there is one."""
        value = self.measurements.get("accuracy")
        return value if isinstance(value, int | float) else None

    @property
    def partial(self) -> bool:
        """The training was given up early, or was a shorter one from the outset: its reward is
        that of the accuracy it had reached."""
        return "stopped_after" in self.measurements or self.epochs is not None


def join_trials(events: Iterable[Event]) -> list[Trial]:
    """Join the events of a ledger to trials, in ascending order of their numbers.

    Raises:
        InputError: a trial is asked twice, ends twice, or ends without having been asked.
    """
    trials: dict[int, Trial] = {}
    for event in events:
        known = trials.get(event.trial)
        if isinstance(event, Asked):
            if known is not None:
                raise _contradiction(event.trial, "is asked twice")
            trials[event.trial] = _waiting(event)
        elif known is None:
            raise _contradiction(event.trial, "ends without having been asked")
        elif known.state != "waiting":
            raise _contradiction(event.trial, "ends twice")
        else:
            trials[event.trial] = _ended(known, event)
    return [trials[number] for number in sorted(trials)]


def _contradiction(trial: int, what: str) -> InputError:
    return InputError(f"the ledger contradicts itself: trial {trial} {what}: restore a copy of it")


def _waiting(event: Asked) -> Trial:
    return Trial(
        number=event.trial,
        batch=event.batch,
        seed=event.seed,
        arch_id=event.arch_id,
        architecture=event.architecture,
        encoding=event.encoding,
        costs=event.costs,
        state="waiting",
        asked_at=event.time,
        measurements={},
        epochs=event.epochs,
    )


def _ended(trial: Trial, event: Told | Failed) -> Trial:
    # One copy, not two: this is what reading a long ledger takes.
    return replace(
        trial,
        state="failed" if isinstance(event, Failed) else "done",
        seconds=event.seconds,
        worker=event.worker,
        finished_at=event.time,
        measurements=event.measurements if isinstance(event, Told) else trial.measurements,
        reward=event.reward if isinstance(event, Told) else None,
        reason=event.reason if isinstance(event, Failed) else None,
        error=event.error if isinstance(event, Failed) else None,
    )


def top(trials: Iterable[Trial], n: int) -> list[Trial]:
    """The `n` done trials of the highest reward; ties go to fewer MACs, then to the earlier one.

    Trainings that were given up come after all others.
    """
    return sorted((trial for trial in trials if trial.state == "done"), key=_rank)[:n]


def _rank(trial: Trial) -> tuple[bool, float, float, int]:
    reward = -math.inf if trial.reward is None else trial.reward
    return trial.partial, -reward, trial.costs.get("macs", math.inf), trial.number


def count_states(trials: Sequence[Trial]) -> dict[str, int]:
    """How many trials were asked, and how many of them are done, failed and waiting."""
    counts = {"asked": len(trials), "done": 0, "failed": 0, "waiting": 0}
    for trial in trials:
        counts[trial.state] += 1
    return counts


def seconds_of(trials: Sequence[Trial]) -> float:
    """From the first trial that was asked to the last that ended; 0 where none has ended."""
    ends = [trial.finished_at for trial in trials if trial.finished_at is not None]
    return max(ends) - min(trial.asked_at for trial in trials) if ends else 0.0

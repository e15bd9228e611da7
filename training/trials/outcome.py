"""What came of an evaluation, as it travels from a worker to the driver."""

import os
import time
from dataclasses import dataclass
from typing import Literal

from effsearch.results.store.events import Failed, Told
from effsearch.training.trials.evaluator import Measurements, Request

Reason = Literal["error", "timeout", "nan"]


@dataclass(frozen=True)
class Outcome:
    """What came of a request: measurements, or why there are none.

    Attributes:
        trial: the request's.
        measurements: None where the evaluation failed.
        reason: kind of failure, None where there is none.
        error: the failure in one line, empty where there is none.
        seconds: how long the evaluation took.
        worker: `host:pid` of the process.
        died: the process was killed or crashed; the network need not be to blame.
        started: the process got as far as evaluating; where it did not, no network will fare
            better.
    """

    trial: int
    measurements: Measurements | None
    reason: Reason | None
    error: str
    seconds: float
    worker: str
    died: bool = False
    started: bool = True

    @property
    def accuracy(self) -> float | None:
        """As measured; None where the evaluation failed."""
        return None if self.measurements is None else float(self.measurements["accuracy"])  # type: ignore[arg-type]


def as_event(outcome: Outcome, reward: float | None) -> Told | Failed:
    """What a ledger keeps of an outcome; a reward of None is a failure too."""
    if outcome.measurements is None or reward is None:
        return Failed(
            trial=outcome.trial,
            reason=outcome.reason or "error",
            error=outcome.error,
            seconds=outcome.seconds,
            worker=outcome.worker,
            time=time.time(),
        )
    return Told(
        trial=outcome.trial,
        measurements=outcome.measurements,
        reward=reward,
        seconds=outcome.seconds,
        worker=outcome.worker,
        time=time.time(),
    )


def failure(request: Request, reason: Reason, error: str, seconds: float) -> Outcome:
    """The outcome of an evaluation that gave nothing to use."""
    return Outcome(request.trial, None, reason, error, seconds, worker_name())


def worker_name() -> str:
    """`host:pid` of this process."""
    return f"{os.uname().nodename}:{os.getpid()}"


def one_line(error: BaseException) -> str:
    """An exception as `Type: message`, on one line of at most 300 characters."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 300 else text[:299] + "…"

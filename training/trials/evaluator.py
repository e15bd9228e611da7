"""Evaluator: from architectures to measurements.

An evaluator is made on the driver, where bad input is found, and travels as data to the worker
processes, where `prepare` does what must happen once a process.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from effsearch.search_spaces.architecture import Architecture

Measurements = dict[str, object]
"""`accuracy` as a fraction, and whatever else was measured (JSON-ready)."""


@dataclass(frozen=True)
class Request:
    """One evaluation.

    Attributes:
        trial: the trial's number.
        architecture: the network.
        seed: makes the evaluation repeatable.
        resolution: pixels to train at, where they are not the evaluator's own.
        stop_below: pairs of an epoch and an accuracy; a training that lies below it after that
            epoch may end there (successive halving).
        epochs: to train for, where they are not the evaluator's own; the result says them.
    """

    trial: int
    architecture: Architecture
    seed: int
    resolution: int | None = None
    stop_below: tuple[tuple[int, float], ...] = ()
    epochs: int | None = None


class Evaluator(ABC):
    """Measures architectures. Instances are pickled to the workers, so they hold data only.

    Attributes:
        batched: one call takes many architectures; else they are handed over one by one.
        cheap: an evaluation takes far less than a second, so several go into one Ray Tune trial.
    """

    batched: ClassVar[bool] = False
    cheap: ClassVar[bool] = False

    def prepare(self) -> None:  # noqa: B027  most evaluators need nothing
        """Called once in every worker process before the first evaluation."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should hear before a search, a line each."""
        return ()

    @abstractmethod
    def evaluate(self, requests: Sequence[Request]) -> list[Measurements]:
        """Measure networks, one result each in order. Not `batched`: always exactly one.

        Whatever it raises is recorded as these trials' failure; a result that holds `error` and
        no `accuracy` fails its trial alone.
        """

"""Evaluator: from architectures to measurements.

An evaluator is made on the driver, where bad input is found, and travels as data to the worker
processes, where `prepare` does what must happen once a process.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from search_spaces.architecture import Architecture

Measurements = dict[str, object]
"""`accuracy` as a fraction, and whatever else was measured (JSON-ready)."""


@dataclass(frozen=True)
class Request:
    """One evaluation: the trial's number, the network, and the seed that makes it repeatable."""

    trial: int
    architecture: Architecture
    seed: int


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

    @abstractmethod
    def evaluate(self, requests: Sequence[Request]) -> list[Measurements]:
        """Measure networks, one result each in order. Not `batched`: always exactly one.

        Whatever it raises is recorded as these trials' failure; a result that holds `error`
        fails its trial alone.
        """

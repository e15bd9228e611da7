"""What a queue of trials is to the program that runs it; free of Ray."""

from collections.abc import Sequence
from typing import Protocol

from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.outcome import Outcome


class TrialQueue(Protocol):
    """What hands out trials and takes what came of them; called from one thread."""

    def take(self, count: int) -> list[Request]:
        """Up to `count` trials to evaluate now; none where nothing is ready, or ever will be."""

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Keep what came of trials taken before."""

    @property
    def finished(self) -> bool:
        """Nothing is left to hand out and nothing is awaited."""

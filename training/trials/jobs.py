"""Networks to train, where they come from, and what their trainings came to."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from effsearch.search_spaces.architecture import Architecture


@dataclass(frozen=True, kw_only=True)
class Job:
    """A network to train.

    Attributes:
        architecture: what is trained.
        resolution: pixels it is trained at; None for the evaluator's own.
        label: whole numbers that say what it is, kept in the ledger: a triple in hundredths.
        costs: by metric, for the ledger; None for those that are counted.
        repeats: which of the seeds, by number; None for all.
    """

    architecture: Architecture
    resolution: int | None = None
    label: tuple[int, ...] = ()
    costs: Mapping[str, float] | None = None
    repeats: tuple[int, ...] | None = None


@dataclass
class Measured:
    """What the trainings of one network came to so far.

    Attributes:
        rewards: by seed number; rewards where the queue rewards nothing else. Stopped trainings
            are not among them.
        curves: accuracy by epoch, one list a training that ended.
        stopped: trainings that successive halving gave up.
        errors: why trainings failed.
    """

    rewards: dict[int, float] = field(default_factory=dict)
    curves: list[list[float]] = field(default_factory=list)
    stopped: int = 0
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ended(self) -> int:
        """Trainings that ended, one way or another."""
        return len(self.rewards) + self.stopped + len(self.errors)

    @property
    def scores(self) -> list[float]:
        """Rewards in the order of the seeds."""
        return [self.rewards[seed] for seed in sorted(self.rewards)]

    @property
    def mean(self) -> float | None:
        """Mean reward; None unless every training that ended went to its end."""
        if not self.rewards or self.stopped or self.errors:
            return None
        return sum(self.rewards.values()) / len(self.rewards)


def failures(measured: Mapping[str, Measured], what: str) -> str:
    """How many networks have a training that failed, and why the first did; empty for none.

    Args:
        measured: by id of the network.
        what: they are, in the plural.
    """
    errors = [found.errors[0] for found in measured.values() if found.errors]
    if not errors:
        return ""
    first = " ".join(errors[0].split())
    return f"{len(errors)} of {len(measured)} {what} failed; the first: {first}"


class Source(Protocol):
    """Names the networks to train, one at a time, and hears what came of each."""

    def next(self) -> Job | None:
        """The next network, or None where there is none left."""

    def tell(self, arch_id: str, measured: Measured) -> None:
        """All trainings of a network ended."""


class ListSource:
    """The networks of a list, each once."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = deque(jobs)

    def next(self) -> Job | None:
        """The next of the list."""
        return self._jobs.popleft() if self._jobs else None

    def tell(self, arch_id: str, measured: Measured) -> None:
        """Nothing: the queue keeps what was measured."""

"""What strategies are compared on: evaluations, and what a search's answer is judged by."""

from abc import ABC, abstractmethod

from effsearch.nas.problem import Candidate, Problem


class Yardstick(ABC):
    """Accuracies of the networks of a problem.

    Attributes:
        problem: what is searched.
        error: why the first evaluation failed that did, where that is known; else empty.
    """

    problem: Problem
    error: str = ""

    @property
    def judged_by(self) -> str:
        """What an answer is judged by, in words."""
        return "reward without noise"

    @abstractmethod
    def measure(self, candidate: Candidate, seed: int) -> float | None:
        """One noisy evaluation, the same for the same seed; None where it fails."""

    @abstractmethod
    def accuracy(self, candidate: Candidate) -> float:
        """What it would be without noise, of a candidate that can be measured; else NaN."""

    @property
    def lacking(self) -> int | None:
        """Networks of the space it has no value for; None where there are too many to count."""
        return 0

    @property
    def gaps(self) -> str:
        """The same in words; empty where it lacks none."""
        return ""

    def lacks(self, candidate: Candidate) -> bool:
        """Whether it has no value of the candidate's own."""
        return False

    @property
    @abstractmethod
    def best(self) -> float | None:
        """Highest noise-free reward in the band; None where the space is too large to know."""

    def reward(self, candidate: Candidate, accuracy: float) -> float:
        """Reward of an accuracy that the candidate has or might have."""
        return float(self.problem.objective.reward(accuracy, candidate.costs))

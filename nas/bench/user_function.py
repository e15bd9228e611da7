"""A function of the user's as a yardstick."""

import contextlib
import math
import sys
from functools import cached_property

import numpy as np

from effsearch.nas.bench.yardstick import Yardstick
from effsearch.nas.evaluators.user import UserEvaluator
from effsearch.nas.problem import Candidate, Problem
from effsearch.nas.trial_records import trial_seed
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.worker import evaluate_here, prepare_here

_OUTSIDE = -1  # a seed that no search has


class UserFunction(Yardstick):
    """Evaluations by the user's function, in this process.

    A function that gives one network twice the same and takes no `seed` is without noise, and its
    values are the truth. Of another one the truth is not known: an answer is judged by one more
    evaluation, with a seed of its own, so that luck in the search does not count.

    Args:
        problem: what is searched.
        evaluator: the function.
        sigma: standard deviation of noise that evaluations in a search have on top.
    """

    def __init__(self, problem: Problem, evaluator: UserEvaluator, *, sigma: float) -> None:
        self.problem = problem
        self._evaluator = evaluator
        self._sigma = sigma
        self._judged: dict[str, float | None] = {}

    def measure(self, candidate: Candidate, seed: int) -> float | None:
        drawn = trial_seed(seed, candidate.id)
        found = self._truth(candidate) if self.exact else self._evaluate(candidate, drawn)
        return None if found is None else found + further_noise(self._sigma, drawn)

    def accuracy(self, candidate: Candidate) -> float:
        found = self._truth(candidate)
        return math.nan if found is None else found

    @property
    def judged_by(self) -> str:
        return super().judged_by if self.exact else "reward by one more evaluation"

    @cached_property
    def exact(self) -> bool:
        """Whether the function gives a network the same accuracy each time."""
        if self._evaluator.seeded:
            return False
        (probe,) = self.problem.draw(np.random.default_rng(0), 1, set())
        return self._evaluate(probe, 0) == self._evaluate(probe, 1)

    @property
    def best(self) -> None:
        return None  # to know it, every network would have to be evaluated

    def _truth(self, candidate: Candidate) -> float | None:
        if candidate.id not in self._judged:
            outside = trial_seed(_OUTSIDE, candidate.id)
            self._judged[candidate.id] = self._evaluate(candidate, outside)
        return self._judged[candidate.id]

    def _evaluate(self, candidate: Candidate, seed: int) -> float | None:
        request = Request(0, candidate.architecture, seed)
        # What the user's code prints is talk, not data.
        with contextlib.redirect_stdout(sys.stderr):
            (outcome,) = evaluate_here(self._evaluator, [request], self._unprepared)
        self.error = self.error or outcome.error
        return outcome.accuracy

    @cached_property
    def _unprepared(self) -> str | None:
        return prepare_here(self._evaluator)


def further_noise(sigma: float, drawn: int) -> float:
    """Noise of a standard deviation that follows from a trial's seed."""
    return sigma * float(np.random.default_rng([drawn, 1]).standard_normal())

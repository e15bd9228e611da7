"""Local search: from network to network, always to a better neighbour."""

from collections.abc import Sequence

import numpy as np

from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.base import Strategy


class LocalSearch(Strategy):
    """Stochastic hill climbing with restarts.

    The neighbours of the incumbent (one gene changed) are asked in random order; the first batch
    with a better one moves the incumbent there, so not all of them need be measured. Where all
    were measured and none is better, draws from the band join the batch and the best of them is
    the next incumbent.
    """

    name = "local_search"

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        super().__init__(problem, seed)
        self._incumbent: Result | None = None

    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        if self._incumbent is None:
            return []
        encoding = np.array(self._incumbent.candidate.encoding, dtype=np.int64)
        neighbours = self.problem.in_band(self.problem.space.neighbours(encoding))
        return self.problem.new(rng.permutation(neighbours), self.seen, count)

    def learn(self, results: Sequence[Result]) -> None:
        near = [result for result in results if self._is_neighbour(result)]
        better = _best(near)
        if better is not None and _reward(better) > _reward(self._incumbent):
            self._incumbent = better
            return
        # A result from elsewhere is a draw, and draws are asked for where no neighbour is left.
        drawn = [result for result in results if not self._is_neighbour(result)]
        self._incumbent = _best(drawn) or self._incumbent

    def _is_neighbour(self, result: Result) -> bool:
        if self._incumbent is None:
            return False
        here = self._incumbent.candidate.encoding
        there = result.candidate.encoding
        return sum(a != b for a, b in zip(here, there, strict=True)) == 1


def _reward(result: Result | None) -> float:
    return -np.inf if result is None or result.reward is None else result.reward


def _best(results: Sequence[Result]) -> Result | None:
    measured = [result for result in results if result.reward is not None]
    return max(measured, key=_reward, default=None)

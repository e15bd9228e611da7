"""A strategy that changes a few genes of one of the best networks so far."""

from collections.abc import Sequence

import numpy as np

import effsearch


class Greedy(effsearch.Strategy):
    """Changes of the best; `--strategy greedy` once this package is installed."""

    def __init__(self, problem, seed: int = 0, *, changes: int = 2) -> None:
        super().__init__(problem, seed)
        self.changes = changes

    def propose(self, rng: np.random.Generator, count: int) -> Sequence:
        """Eight times as many as are wanted; the base draws the rest from the cost band."""
        ranked = self.ranked()[:4]
        if not ranked:
            return []
        rows = np.array([result.candidate.encoding for result in ranked])
        best = np.repeat(rows, 8 * count // len(rows), axis=0)
        changed = self.problem.space.mutate(rng, best, changes=self.changes)
        return self.problem.new(self.problem.in_band(changed), self.seen, count)

"""Random search: uniform over the band. The yardstick every other strategy is held against."""

from collections.abc import Sequence

import numpy as np

from effsearch.nas.problem import Candidate
from effsearch.nas.strategies.base import Strategy


class RandomSearch(Strategy):
    """Uniform draws, none twice."""

    name = "random"

    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        return self.problem.draw(rng, count, self.seen)

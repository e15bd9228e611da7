"""Regularized evolution (Real et al., arXiv 1802.01548, algorithm 1)."""

from collections.abc import Sequence

import numpy as np

from effsearch.nas.problem import Candidate, Problem
from effsearch.nas.strategies.base import Strategy, check_option


class RegularizedEvolution(Strategy):
    """Tournaments among the youngest networks; each winner is changed in one gene.

    The population is the last `population` networks that were measured: the oldest dies, however
    good it is. Until `start` networks are measured, networks are drawn from the band. The paper
    draws a whole population first, which is most of a search of 64 evaluations; here it is half,
    and the population grows to its size by children.

    Args:
        problem: what to search.
        seed: the run's seed.
        population: P, at least 2.
        sample: S, networks in a tournament, drawn with replacement; at least 1.
        start: measured networks before the first tournament, 1 … population; None for half
            of the population.

    Raises:
        InputError: an option out of range.
    """

    name = "evolution"

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        population: int = 50,
        sample: int = 15,
        start: int | None = None,
    ) -> None:
        super().__init__(problem, seed)
        check_option(self.name, "population", population, 2)
        check_option(self.name, "sample", sample, 1)
        self.population = population
        self.sample = sample
        self.start = max(2, population // 2) if start is None else start
        check_option(self.name, "start", self.start, 1, population)

    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        living = self.measured[-self.population :]
        if len(living) < self.start:
            return []
        rewards = np.array([result.reward for result in living], dtype=np.float64)
        encodings = np.array([result.candidate.encoding for result in living], dtype=np.int64)
        drawn = rng.integers(0, len(living), size=(count, self.sample))
        winners = drawn[np.arange(count), rewards[drawn].argmax(axis=1)]
        return self.problem.vary_many(rng, encodings[winners], self.seen)

"""Optuna's NSGA-II: accuracy and cost as two objectives."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.samplers import NSGAIISampler

from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.base import check_option
from effsearch.nas.strategies.optuna_search import OptunaSearch


class NSGA2(OptunaSearch):
    """NSGA-II: accuracy up, the first target's cost down (MACs where there is no target).

    A generation is the next `population` networks that were measured, counted in the history, so
    it needs no memory but the ledger. The first generation is drawn from the band. For the front
    it finds see `effsearch.results.pareto`.

    Args:
        problem: what to search.
        seed: the run's seed.
        population: networks in a generation, at least 2.

    Raises:
        InputError: an option out of range.
    """

    name = "nsga2"

    def __init__(self, problem: Problem, seed: int = 0, *, population: int = 24) -> None:
        check_option(self.name, "population", population, 2)
        self.population = population
        targets = problem.objective.targets
        self._generations = 0
        self.metric = targets[0].metric if targets else "macs"
        super().__init__(problem, seed, directions=("maximize", "minimize"), start=population)

    def sampler(self, seed: int) -> NSGAIISampler:
        return NSGAIISampler(population_size=self.population, seed=seed)

    def values(self, result: Result) -> Sequence[float]:
        assert result.accuracy is not None
        return (result.accuracy, float(result.candidate.costs[self.metric]))

    def attributes(self, place: int) -> dict[str, Any]:
        return {NSGAIISampler._get_generation_key(): place // self.population}

    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        self._select_parents()
        return super().propose(rng, count)

    def _select_parents(self) -> None:
        """Have Optuna note each generation's parents, from the first: it would recurse else."""
        ready = len(self.measured) // self.population
        if ready == self._generations:
            return
        # A study caches its trials until the next is asked for, those added in between not in it.
        self._close([self._study.ask()])
        for generation in range(self._generations + 1, ready + 1):
            self.sampler(0).get_parent_population(self._study, generation)
        self._generations = ready

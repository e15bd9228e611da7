"""Optuna's samplers behind ask and tell."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.base import Strategy

optuna.logging.set_verbosity(optuna.logging.ERROR)

Direction = Literal["maximize", "minimize"]

_TRIES = 4


class OptunaSearch(Strategy):
    """Base of the strategies that Optuna's samplers think for.

    Each gene is a categorical parameter. The study lies in memory and holds, in order, one trial
    for each measured network: what a sampler knows is the history alone. Suggestions out of the
    band or asked before cost nothing to know about: they are dropped and asked for again up to
    `_TRIES` times a candidate, then varied into a new network in the band.

    Args:
        problem: what to search.
        seed: the run's seed.
        directions: `maximize` or `minimize`, one an objective.
        start: measured networks drawn from the band before the sampler is asked.
    """

    def __init__(
        self, problem: Problem, seed: int, *, directions: Sequence[Direction], start: int
    ) -> None:
        super().__init__(problem, seed)
        self._start = start
        self._distributions: dict[str, BaseDistribution] = {
            gene.path: CategoricalDistribution(range(len(gene.options)))
            for gene in problem.space.genes
        }
        self._study = optuna.create_study(directions=list(directions))

    @abstractmethod
    def sampler(self, seed: int) -> BaseSampler:
        """A sampler without a memory of its own, 0 ≤ seed < 2^32."""

    @abstractmethod
    def values(self, result: Result) -> Sequence[float]:
        """The objectives of a measured result, in the order of the directions."""

    def attributes(self, place: int) -> dict[str, Any]:
        """What the sampler notes on the trial at `place` of the measured ones, from 0."""
        return {}

    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        if len(self.measured) < self._start or not self._distributions:
            return []
        sampler = self.sampler(int(rng.integers(2**32)))
        batch: list[Candidate] = []
        known = set(self.seen)
        dropped: list[NDArray[np.int64]] = []
        open_trials: list[optuna.Trial] = []
        for _ in range(count * _TRIES):
            trial, encoding = self._suggest(sampler)
            fresh = self.problem.new(self.problem.in_band(encoding[None]), known, 1)
            if not fresh:
                dropped.append(encoding)
                self._close([trial])
                continue
            open_trials.append(trial)  # so that the sampler proposes elsewhere
            batch += fresh
            known.add(fresh[0].id)
            if len(batch) == count:
                break
        self._close(open_trials)
        if len(batch) < count and dropped:
            parents = np.array(dropped[: count - len(batch)], dtype=np.int64)
            batch += self.problem.vary_many(rng, parents, known)
        return batch

    def _suggest(self, sampler: BaseSampler) -> tuple[optuna.Trial, NDArray[np.int64]]:
        """An open trial and what the sampler proposes for it, (genes,).

        The sampler is called directly: asked through the study, a new sampler would first work out
        anew, trial by trial, which parameters there are.
        """
        trial = self._study.ask()
        frozen = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))[-1]
        chosen = sampler.sample_relative(self._study, frozen, self._distributions)
        for name, distribution in self._distributions.items():
            if name not in chosen:
                chosen[name] = sampler.sample_independent(self._study, frozen, name, distribution)
        return trial, np.array([chosen[name] for name in self._distributions], dtype=np.int64)

    def learn(self, results: Sequence[Result]) -> None:
        measured = [result for result in results if result.reward is not None]
        place = len(self.measured) - len(measured)
        self._study.add_trials(
            self._trial(result, place + offset) for offset, result in enumerate(measured)
        )

    def _trial(self, result: Result, place: int) -> FrozenTrial:
        encoding = result.candidate.encoding
        return create_trial(
            state=TrialState.COMPLETE,
            values=list(self.values(result)),
            params=dict(zip(self._distributions, encoding, strict=True)),
            distributions=dict(self._distributions),
            system_attrs=self.attributes(place),
        )

    def _close(self, trials: Iterable[optuna.Trial]) -> None:
        """End trials in a way no sampler looks at: those that are told are added in `learn`."""
        for trial in trials:
            self._study.tell(trial, state=TrialState.FAIL)

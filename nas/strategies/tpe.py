"""Optuna's tree-structured Parzen estimator."""

import warnings
from collections.abc import Sequence

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler

from effsearch.nas.problem import Problem, Result
from effsearch.nas.strategies.base import check_option
from effsearch.nas.strategies.optuna_search import OptunaSearch


class TPE(OptunaSearch):
    """TPE over all genes at once, with a constant liar for the members of a batch.

    Args:
        problem: what to search.
        seed: the run's seed.
        start: networks drawn before the first model, at least 2.
        samples: candidates the model is asked to rank for each proposal, at least 1.

    Raises:
        InputError: an option out of range.
    """

    name = "tpe"

    def __init__(
        self, problem: Problem, seed: int = 0, *, start: int = 10, samples: int = 24
    ) -> None:
        check_option(self.name, "start", start, 2)
        check_option(self.name, "samples", samples, 1)
        self._samples = samples
        super().__init__(problem, seed, directions=("maximize",), start=start)

    def sampler(self, seed: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return TPESampler(
                n_startup_trials=0,
                n_ei_candidates=self._samples,
                multivariate=True,
                constant_liar=True,
                seed=seed,
            )

    def values(self, result: Result) -> Sequence[float]:
        assert result.reward is not None
        return (result.reward,)

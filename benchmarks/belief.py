"""Whether the model of the Bayesian strategy is as sure as it may be.

z is the error of what the model expects of a network, without noise, in its standard deviations.
The truth of a table is a mean of few trainings; what it may be off counts with the deviation.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import chdtri

from effsearch.nas.bench.yardstick import Yardstick
from effsearch.nas.objective import Floats
from effsearch.nas.problem import Candidate, Result
from effsearch.nas.strategies.bayesian import Bayesian
from effsearch.nas.surrogate.belief import Belief
from effsearch.nas.surrogate.gaussian_process import GaussianProcess, one_thread

HELD_OUT = 500


class Watch:
    """Keeps z of every network that a strategy asks for, before it is told what came of it.

    Args:
        strategy: watched from now on.
        yardstick: knows the truth.
        trainings: of which its truth is the mean; 0 where it is the truth itself.
    """

    def __init__(self, strategy: Bayesian, yardstick: Yardstick, trainings: int = 0) -> None:
        self._strategy, self._yardstick = strategy, yardstick
        self._trainings = trainings
        self._asked: list[Floats] = []
        self._tell = strategy.tell
        strategy.tell = self._watched  # type: ignore[method-assign]

    def _watched(self, results: Sequence[Result]) -> None:
        if self._strategy._models and results:
            with one_thread():
                z = self._errors(self._strategy._model, [found.candidate for found in results])
            self._asked.append(z)
        self._tell(results)

    def summary(self) -> dict[str, Any]:
        """Shares of |z| > 3 and root mean squares, of those asked and of others in the band; and
        what the best network is worth by rankings between expected and measured rewards."""
        drawn = self._yardstick.problem.draw(
            np.random.default_rng(99), HELD_OUT, self._strategy.seen
        )
        with one_thread():
            model = self._strategy._model
            likeliest = self._errors(model, drawn)
            formerly = self._errors(formerly_calibrated(model), drawn)
            believed = self._believed(drawn)
            picks = self._picks()
        return {
            "picks": picks,
            "asked": _shares(np.concatenate(self._asked)),
            "held_out": _shares(likeliest),
            "held_out_formerly_calibrated": _shares(formerly),
            "held_out_believed": _shares(believed),
        }

    def _believed(self, networks: Sequence[Candidate]) -> Floats:
        """z by what is stated after a search."""
        strategy = self._strategy
        accuracies, doubts = strategy._values(strategy.measured)
        rows = np.array([one.candidate.encoding for one in strategy.measured], dtype=np.int64)
        options = strategy.problem.space.options
        belief = Belief.of(strategy._features(rows), accuracies, options, doubts)
        truth = np.array([self._yardstick.accuracy(network) for network in networks])
        held_out = np.array([network.encoding for network in networks], dtype=np.int64)
        off = belief.noise / np.sqrt(self._trainings) if self._trainings else 0.0
        return belief.deviations(strategy._features(held_out), truth, off)

    def _picks(self) -> dict[str, float]:
        """Noise-free rewards of the networks that are best by one ranking and another."""
        results = self._strategy.measured
        expected = self._strategy._expected(results)
        measured = np.array([found.reward for found in results], dtype=np.float64)
        rankings = {
            f"{share:g} measured": (1 - share) * expected + share * measured
            for share in (0.0, 0.25, 0.5, 1.0)
        }
        found = {name: results[int(by.argmax())].candidate for name, by in rankings.items()}
        return {
            name: self._yardstick.reward(network, self._yardstick.accuracy(network))
            for name, network in found.items()
        }

    def _errors(self, model: GaussianProcess, networks: Sequence[Candidate]) -> Floats:
        rows = np.array([network.encoding for network in networks], dtype=np.int64)
        truth = np.array([self._yardstick.accuracy(network) for network in networks])
        mean, sigma = model.predict(self._strategy._features(rows))
        off = model.noise / np.sqrt(self._trainings) if self._trainings else 0.0
        return np.asarray((truth - mean) / np.sqrt(sigma**2 + off**2))


def formerly_calibrated(model: GaussianProcess) -> GaussianProcess:
    """As until 2026-11-28: by how the first 40 are predicted, each from all others."""
    factor, solved = model._solved
    columns = np.eye(len(factor), min(40, len(factor)))
    inverse = (solve_triangular(factor, columns, lower=True) ** 2).sum(axis=0)
    errors = solved[: len(inverse)] / np.sqrt(inverse)
    square = float(errors @ errors) / float(chdtri(len(errors), 0.9))
    return replace(model, weights=model.weights * np.clip(square, 1.0, 9.0))


def _shares(z: Floats) -> dict[str, float]:
    return {
        "beyond_3": float(np.mean(np.abs(z) > 3)),
        "root_mean_square": float(np.sqrt(np.mean(z**2))),
    }

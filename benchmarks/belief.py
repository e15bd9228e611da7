"""Whether the model of the Bayesian strategy is as sure as it may be.

z is the error of what the model expects of a network, without noise, in its standard deviations.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from effsearch.nas.bench.yardstick import Yardstick
from effsearch.nas.objective import Floats
from effsearch.nas.problem import Candidate, Result
from effsearch.nas.strategies.bayesian import Bayesian
from effsearch.nas.surrogate.gaussian_process import GaussianProcess, one_thread

HELD_OUT = 500


class Watch:
    """Keeps z of every network that a strategy asks for, before it is told what came of it.

    Args:
        strategy: watched from now on.
        yardstick: knows the truth.
    """

    def __init__(self, strategy: Bayesian, yardstick: Yardstick) -> None:
        self._strategy, self._yardstick = strategy, yardstick
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
            calibrated = self._errors(model.calibrated(), drawn)
            picks = self._picks()
        return {
            "picks": picks,
            "asked": _shares(np.concatenate(self._asked)),
            "held_out": _shares(likeliest),
            "held_out_calibrated": _shares(calibrated),
        }

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
        return np.asarray((truth - mean) / sigma)


def _shares(z: Floats) -> dict[str, float]:
    return {
        "beyond_3": float(np.mean(np.abs(z) > 3)),
        "root_mean_square": float(np.sqrt(np.mean(z**2))),
    }

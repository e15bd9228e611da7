"""The Bayesian strategy with one thing taken away: what pays and what does not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from effsearch.nas.objective import Objective
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.base import Strategy
from effsearch.nas.strategies.bayesian import Bayesian, _modelled
from effsearch.nas.surrogate.features import Features, Floats
from effsearch.nas.surrogate.gaussian_process import GaussianProcess, one_thread
from effsearch.nas.surrogate.kernel import Kernel, one_hot
from effsearch.search_spaces.space import Encodings


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One line of the ablation.

    Attributes:
        make: the strategy from a problem and a seed.
        of: the objective searched, from the one that is wanted.
        tells: whether it is worth a line with this objective.
    """

    name: str
    make: Callable[[Problem, int], Strategy]
    of: Callable[[Objective], Objective] = lambda objective: objective
    tells: Callable[[Objective], bool] = lambda objective: True


class RewardLearner(Bayesian):
    """Learns the reward as it comes instead of accuracy with the cost applied afterwards."""

    def _values(self, results: Sequence[Result]) -> tuple[Floats, Floats]:
        rewards = np.array([result.reward for result in results], dtype=np.float64)
        return rewards, np.zeros(len(rewards))

    def _rewards(self, accuracies: Floats, rows: Encodings) -> Floats:
        return accuracies


class DrawnOpening(Bayesian):
    """Begins with draws from the band, however near to each other they lie."""

    def _opening(self, rng: np.random.Generator, count: int) -> list[Candidate]:
        return self.problem.draw(rng, count, self.seen)


class Measured(Bayesian):
    """Answers with what measured best."""

    def ranked(self) -> list[Result]:
        return Strategy.ranked(self)


class _Without(Kernel):
    """A kernel that leaves parts out."""

    left_out: ClassVar[tuple[str, ...]] = ()

    def parts(self, a: Features, b: Features) -> Iterator[Floats]:
        for name, part in zip(self.names, super().parts(a, b), strict=True):
            yield part * (name not in self.left_out)

    def diagonal(self, a: Features) -> Iterator[Floats]:
        for name, part in zip(self.names, super().diagonal(a), strict=True):
            yield part * (name not in self.left_out)


def without(*left_out: str) -> type[Bayesian]:
    """The strategy with a kernel that lacks these parts."""
    kernel = type("Without", (_Without,), {"left_out": left_out})
    return type("Poorer", (Bayesian,), {"kernel_type": kernel})


class _WithPairs(Kernel):
    """A kernel with the products of every two genes besides."""

    names = (*Kernel.names, "pairs")

    def parts(self, a: Features, b: Features) -> Iterator[Floats]:
        yield from super().parts(a, b)
        count, miss = len(self.options), -1.0 / (self.options - 1)
        left, right = one_hot(a.genes, self.options), one_hot(b.genes, self.options)
        main = (left * np.repeat(1.0 - miss, self.options)) @ right.T + miss.sum()
        squares = (left * np.repeat(1.0 - miss**2, self.options)) @ right.T + (miss**2).sum()
        yield (main**2 - squares) / max(1, count * (count - 1))

    def diagonal(self, a: Features) -> Iterator[Floats]:
        yield from super().diagonal(a)
        yield np.ones(len(a))


class WithPairs(Bayesian):
    """Knows the interaction of every two genes."""

    kernel_type = _WithPairs


class _Linear(_Without):
    """The kernel as it was before the square."""

    names = tuple(name for name in Kernel.names if name != "squares")
    left_out = ("squares",)

    def parts(self, a: Features, b: Features) -> Iterator[Floats]:
        return self._kept(Kernel.parts(self, a, b))

    def diagonal(self, a: Features) -> Iterator[Floats]:
        return self._kept(Kernel.diagonal(self, a))

    def _kept(self, parts: Iterator[Floats]) -> Iterator[Floats]:
        for name, part in zip(Kernel.names, parts, strict=True):
            if name not in self.left_out:
                yield part


class Former(Bayesian):
    """As it was until 2026-11-28.

    Bad accuracies are lifted by the median of all results, before the cost is applied; numbers are
    linear; ranked are means of measured and expected rewards.
    """

    kernel_type = _Linear

    def _values(self, results: Sequence[Result]) -> tuple[Floats, Floats]:
        places = _modelled(results)
        accuracies = np.array([result.accuracy for result in results], dtype=np.float64)
        middle, high = np.quantile(accuracies[places], [0.5, 0.9])
        if high > middle:
            accuracies = np.maximum(accuracies, middle - 4.0 * (high - middle))
        return accuracies, np.zeros(len(accuracies))

    def ranked(self) -> list[Result]:
        if not self._models:
            return Strategy.ranked(self)
        whole = [result for result in self.measured if not result.partial]
        with one_thread():
            expected = self._expected(whole)
        measured = np.array([result.reward for result in whole], dtype=np.float64)
        return [whole[place] for place in np.argsort(-(expected + measured), kind="stable")]


class FormerLift(Bayesian):
    """Lifts as the former one does, and the rest is as it is now."""

    def _values(self, results: Sequence[Result]) -> tuple[Floats, Floats]:
        return Former._values(self, results)  # type: ignore[arg-type]


class Wide(Bayesian):
    """Draws from the calibrated model."""

    def _fit(self) -> GaussianProcess:
        return super()._fit().calibrated()


class _Certain(GaussianProcess):
    """As if the means were the truth."""

    def predict(self, networks: Features) -> tuple[Floats, Floats]:
        mean, _ = super().predict(networks)
        return mean, np.zeros_like(mean)

    def sample(self, networks: Features, normal: Floats) -> Floats:
        mean, _ = super().predict(networks)
        return np.tile(mean, (len(normal), 1))


class Greedy(Bayesian):
    """Goes by the mean alone; a batch is its best candidates."""

    def _fit(self) -> GaussianProcess:
        fitted = super()._fit()
        return _Certain(**{name: getattr(fitted, name) for name in fitted.__dataclass_fields__})


def _without_band(objective: Objective) -> Objective:
    return Objective(tuple(replace(t, low=0.0, high=float("inf")) for t in objective.targets))


def _is_soft(objective: Objective) -> bool:
    return any(target.kind == "soft" for target in objective.targets)


def _is_banded(objective: Objective) -> bool:
    return any(np.isfinite(target.high) for target in objective.targets)


VARIANTS = (
    Variant(name="whole", make=Bayesian),
    Variant(name="without exact cost", make=RewardLearner, tells=_is_soft),
    Variant(name="without interactions", make=without("likeness"), tells=_is_banded),
    Variant(name="without uncertainty", make=Greedy, tells=_is_banded),
    Variant(name="without the spread opening", make=DrawnOpening, tells=_is_banded),
    Variant(name="answer as measured", make=Measured, tells=_is_banded),
    Variant(name="without the cost band", make=Bayesian, of=_without_band, tells=_is_banded),
)
VERSIONS: dict[str, type[Bayesian]] = {
    "former": Former,
    "lifted as before": FormerLift,
    "without squares": without("squares"),
    "draws from calibrated": Wide,
}
"""The strategy as it was, and as it is but for one mend."""

KERNELS = (
    Variant(name="whole", make=Bayesian),
    *(Variant(name=f"without '{name}'", make=without(name)) for name in Kernel.names),
    Variant(name="with pairs of genes", make=WithPairs),
)

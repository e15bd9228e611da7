"""A Gaussian process over networks: accuracy with its uncertainty from some hundred measurements.

The weights of the kernel's parts and the noise are those that make the measurements most likely
(maximum a posteriori, with priors wide enough to be overruled by a few dozen of them). Most
measurements of a search lie close together, and what is likeliest for them is too sure of all that
lies elsewhere: `calibrated` makes up for that.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from effsearch.nas.surrogate.features import Features, Floats, Whole
from effsearch.nas.surrogate.kernel import Kernel

FIT_ROWS = 300  # the weights are fitted on so many measurements; more change little
ITERATIONS = 40
NOISE = 0.1  # expected share of the variance; e^±2 of it and of each weight is within one sigma
PRIOR_SIGMA = 2.0
WEIGHT_BOUNDS, NOISE_BOUNDS = (-10.0, 5.0), (-9.0, 2.0)  # natural logarithms
JITTER = 1e-8
_FIRST = 20  # networks that tell how sure the model may be
_RAISES = 2.0 ** np.arange(10)
_UPPER = 0.9  # their errors are few: the upper end of what these say
_MOST_DOUBT = 3.0
_AT_ONCE = 4096  # networks at most that are compared with all measured ones at a time
_PART = 1024  # of more of them


@dataclass(frozen=True, kw_only=True)
class GaussianProcess:
    """The posterior after n measurements.

    Attributes:
        kernel: scaled by the measured networks.
        measured: features of the measured networks.
        mean, spread: of the measured values, which are standardised by them.
        weights: of the kernel's parts, in units of spread², (parts,).
        noise: standard deviation of one measurement, in the unit of the values.
    """

    kernel: Kernel
    measured: Features
    mean: float
    spread: float
    weights: Floats
    noise: float
    values: Floats  # standardised, (n,)
    doubts: Floats  # variances on top of the noise, standardised, (n,)

    @classmethod
    def fit(
        cls,
        measured: Features,
        values: Floats,
        options: Whole,
        kernel_type: type[Kernel] = Kernel,
        doubts: Floats | None = None,
    ) -> "GaussianProcess":
        """Learn from n ≥ 1 measurements.

        Args:
            measured: of the networks, in the order in which they were measured.
            values: what was measured, (n,).
            options: of each gene, as in `SearchSpace.options`.
            kernel_type: what networks are compared with.
            doubts: standard deviation (n,) of what is unknown of each value besides the noise
                that all share; None for nothing.
        """
        mean, spread = float(values.mean()), float(values.std())
        spread = spread if spread > 1e-12 else 1.0
        kernel = kernel_type.of(measured, options)
        standard = (values - mean) / spread
        rows = np.linspace(0, len(values) - 1, min(len(values), FIT_ROWS)).astype(np.int64)
        chosen = measured.rows(rows)
        extra = np.zeros(len(values)) if doubts is None else (doubts / spread) ** 2
        parts = np.array(list(kernel.parts(chosen, chosen)))
        logs = _likeliest(parts, standard[rows], extra[rows])
        return cls(
            kernel=kernel,
            measured=measured,
            mean=mean,
            spread=spread,
            weights=np.exp(logs[:-1]),
            noise=spread * float(np.exp(logs[-1] / 2)),
            values=standard,
            doubts=extra,
        )

    def calibrated(self) -> "GaussianProcess":
        """The model as sure as it may be: for statements, not for a search to draw from.

        The first networks measured lie far from each other and from those that a search comes to.
        They are left out together and predicted from all others. As far as that goes worse than
        the model says, the parts of its kernel that tell networks apart one by one weigh more, and
        then all parts. A search draws from the likeliest model: wider draws explore more (`draws
        from calibrated` in benchmarks/search_quality.py measures what that costs).
        """
        from scipy.special import chdtri

        local = np.isin(self.kernel.names, self.kernel.local)
        raised = [
            replace(self, weights=np.where(local, factor * self.weights, self.weights))
            for factor in _RAISES
        ]
        told = [one._left_out(_FIRST) for one in raised]
        densities = [
            -0.5 * float(errors @ errors) - float(np.log(sigmas).sum()) for errors, sigmas in told
        ]
        likeliest = int(np.argmax(densities))
        errors = told[likeliest][0]
        square = float(errors @ errors) / float(chdtri(len(errors), _UPPER))
        model = raised[likeliest]
        return replace(model, weights=model.weights * np.clip(square, 1.0, _MOST_DOUBT**2))

    def predict(self, networks: Features) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the noise-free value of each of m networks, (m,)."""
        mean, known = self._condition(networks)
        diagonal = self.kernel.diagonal(networks)
        prior = sum(w * part for w, part in zip(self.weights, diagonal, strict=True))
        variance = np.maximum(prior - (known**2).sum(axis=0), 0.0)
        return mean, self.spread * np.sqrt(variance)

    def expect(self, networks: Features) -> Floats:
        """Means of the noise-free values of m networks, (m,), as `predict` gives them.

        In long searches a part at a time, which takes less memory and may move the last digit.
        """
        if len(networks) <= _AT_ONCE:
            return self._means(networks)
        parts = np.array_split(np.arange(len(networks)), len(networks) // _PART)
        return np.concatenate([self._means(networks.rows(part)) for part in parts])

    def _means(self, networks: Features) -> Floats:
        _, solved = self._solved
        return np.asarray(self.mean + self.spread * (self._across(networks).T @ solved))

    def sample(self, networks: Features, normal: Floats) -> Floats:
        """Noise-free values of m networks, drawn together.

        Args:
            networks: whose values are drawn.
            normal: standard normal numbers, (draws, m).

        Returns:
            One draw a row, (draws, m).
        """
        mean, known = self._condition(networks)
        covariance = self._prior(networks, networks) - known.T @ known
        eigenvalues, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
        return np.asarray(mean + self.spread * (normal @ root.T))

    def _left_out(self, count: int) -> tuple[Floats, Floats]:
        """The first values predicted from the others, without one another.

        Of few values in all each is predicted from all others.

        Returns:
            Errors in standard deviations, and the standard deviations (standardised).
        """
        from scipy.linalg import solve_triangular

        factor, solved = self._solved
        count = min(count, len(factor))
        columns = np.eye(len(factor), count)
        root = solve_triangular(factor, columns, lower=True, check_finite=False)
        precision = root.T @ root  # of the first values, given the others
        if 2 * count > len(factor):
            precision = np.diag(np.diag(precision))
        covariance = np.linalg.inv(precision)
        sigmas = np.sqrt(np.diag(covariance))
        return np.asarray(covariance @ solved[:count] / sigmas), sigmas

    def _condition(self, networks: Features) -> tuple[Floats, Floats]:
        """Posterior means (m,), and the whitened covariance with what was measured, (n, m)."""
        from scipy.linalg import solve_triangular

        factor, solved = self._solved
        across = self._across(networks)
        known = solve_triangular(factor, across, lower=True, check_finite=False)
        return self.mean + self.spread * (across.T @ solved), known

    def _across(self, networks: Features) -> Floats:
        """Prior covariance of what was measured with the values of m networks, (n, m)."""
        return self._prior(self.measured, networks)

    def _prior(self, a: Features, b: Features) -> Floats:
        total = np.zeros((len(a), len(b)))
        for weight, part in zip(self.weights, self.kernel.parts(a, b), strict=True):
            total += weight * part
        return total

    @cached_property
    def _solved(self) -> tuple[Floats, Floats]:
        covariance = self._prior(self.measured, self.measured)
        noise = (self.noise / self.spread) ** 2 + JITTER
        covariance[np.diag_indices(len(covariance))] += noise + self.doubts
        return factored(covariance, self.values)


def one_thread() -> AbstractContextManager[object]:
    """Sums in the same order on every machine: more threads would change last digits, and asks."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits


def _likeliest(parts: Floats, values: Floats, doubts: Floats) -> Floats:
    """Logarithms of the weights (parts, n, n) and of the noise variance that fit best."""
    count = len(values)
    expected = np.log(np.array([1.0 / len(parts)] * len(parts) + [NOISE]))
    flat = parts.reshape(len(parts), -1)

    def loss(logs: Floats) -> tuple[float, Floats]:
        weights = np.exp(logs)
        covariance = (weights[:-1] @ flat).reshape(count, count)
        covariance[np.diag_indices(count)] += weights[-1] + doubts + JITTER
        misfit, inverse, solved = evidence(covariance, values)
        off = (logs - expected) / PRIOR_SIGMA
        value = misfit + 0.5 * off @ off
        slope = inverse - np.outer(solved, solved)
        gradient = 0.5 * weights * np.append(flat @ slope.ravel(), np.trace(slope))
        return float(value), gradient + off / PRIOR_SIGMA

    bounds = [WEIGHT_BOUNDS] * len(parts) + [NOISE_BOUNDS]
    return most_likely(loss, expected, bounds)


def factored(covariance: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The lower Cholesky factor of a covariance, and the values times its inverse."""
    from scipy.linalg import cho_solve, cholesky

    factor = cholesky(covariance, lower=True, check_finite=False)
    return factor, cho_solve((factor, True), values, check_finite=False)


def evidence(covariance: Floats, values: Floats) -> tuple[float, Floats, Floats]:
    """Minus the log likelihood but for constants, the inverse, and the values times it."""
    factor, inverse = factored(covariance, np.eye(len(values)))
    solved = inverse @ values
    return 0.5 * values @ solved + np.log(np.diag(factor)).sum(), inverse, solved


def most_likely(
    loss: Callable[[Floats], tuple[float, Floats]],
    expected: Floats,
    bounds: Sequence[tuple[float, float]],
) -> Floats:
    """Where a loss with its gradient is least within the bounds."""
    from scipy.optimize import minimize

    found = minimize(
        loss, expected, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ITERATIONS}
    )
    return np.asarray(found.x)

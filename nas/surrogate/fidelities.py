"""A Gaussian process over measurements of several kinds: cheap ones tell of dear ones.

What a cheaper measurement sees is a slope times what a whole one sees, plus something of its own
(the autoregressive model of Kennedy and O'Hagan, Biometrika 87, 2000, turned about: the whole
measurement is the one that all others lean on). Slope, share of its own, offset and noise are
learned for each kind. Of a kind that tells nothing the slope is nil, and what was measured so
weighs nothing in what is believed of whole measurements.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from effsearch.nas.surrogate.features import Features, Floats, Whole
from effsearch.nas.surrogate.gaussian_process import (
    FIT_ROWS,
    JITTER,
    NOISE,
    NOISE_BOUNDS,
    PRIOR_SIGMA,
    WEIGHT_BOUNDS,
    GaussianProcess,
    evidence,
    factored,
    most_likely,
)
from effsearch.nas.surrogate.kernel import Kernel

_SLOPE, _SLOPE_SIGMA = 0.8, 0.4  # expected, in spreads of both kinds
_OWN = 0.3  # expected variance of its own, as a share of the whole measurement's
_OWN_BOUNDS = (-7.0, 3.0)
_OFFSET = 4.0  # variance of the unknown level of a kind, in its spreads
_WHOLE_ROWS = 200  # of those that the weights are fitted on


@dataclass(frozen=True, kw_only=True)
class FidelityProcess(GaussianProcess):
    """The posterior of whole measurements after measurements of all kinds.

    Attributes:
        levels: kind of each measurement, (n,): 0 whole, 1 … the cheaper ones.
        slopes: of each kind on the whole one, (kinds,); the first is 1.
        own: variance of each kind's own part, in units of the whole one's, (kinds,).
        noises: variance of one measurement of each kind, standardised, (kinds,).
    """

    levels: Whole
    slopes: Floats
    own: Floats
    noises: Floats

    @classmethod
    def of(
        cls,
        measured: Features,
        values: Floats,
        levels: Whole,
        kinds: int,
        options: Whole,
        kernel_type: type[Kernel] = Kernel,
        doubts: Floats | None = None,
    ) -> "FidelityProcess":
        """Learn from n measurements, at least one of them whole.

        Args:
            measured: of the networks; one measured twice stands here twice.
            values: what was measured, (n,).
            levels: kind of each, (n,), 0 for whole.
            kinds: how many there are.
            options, kernel_type, doubts: as of `GaussianProcess.fit`.
        """
        means, spreads = np.zeros(kinds), np.ones(kinds)
        for kind in range(kinds):
            found = values[levels == kind]
            if len(found):
                means[kind] = found.mean()
                spreads[kind] = found.std() if found.std() > 1e-12 else 1.0
        standard = (values - means[levels]) / spreads[levels]
        extra = np.zeros(len(values)) if doubts is None else (doubts / spreads[levels]) ** 2
        kernel = kernel_type.of(measured, options)
        rows = _fitted_on(levels)
        chosen = measured.rows(rows)
        parts = np.array(list(kernel.parts(chosen, chosen)))
        weights, noises, slopes, own = _likeliest(
            parts, standard[rows], extra[rows], levels[rows], kinds
        )
        return cls(
            kernel=kernel,
            measured=measured,
            mean=float(means[0]),
            spread=float(spreads[0]),
            weights=weights,
            noise=float(spreads[0] * np.sqrt(noises[0])),
            values=standard,
            doubts=extra,
            levels=levels,
            slopes=slopes,
            own=own,
            noises=noises,
        )

    @property
    def correlations(self) -> Floats:
        """Of each kind's noise-free values with the whole one's, −1 … 1, (kinds,)."""
        return np.asarray(self.slopes / np.sqrt(self.slopes**2 + self.own))

    def gains(self, networks: Features) -> Floats:
        """How much one measurement of each kind would tell of each of m networks, (kinds, m).

        By how much it takes down the variance of the network's whole, noise-free value.
        """
        from scipy.linalg import solve_triangular

        factor, _ = self._solved
        prior = self._prior(self.measured, networks)
        diagonal = self.kernel.diagonal(networks)
        alone = np.asarray(sum(w * part for w, part in zip(self.weights, diagonal, strict=True)))
        whole: Floats = np.zeros_like(prior)
        found = []
        for kind, between in enumerate(self._between):
            across = prior * between[self.levels][:, None]
            across += (_offset(kind) * (self.levels == kind))[:, None]
            known = solve_triangular(factor, across, lower=True, check_finite=False)
            whole = known if kind == 0 else whole
            both = between[0] * alone - (whole * known).sum(axis=0)
            variance = between[kind] * alone + _offset(kind) - (known**2).sum(axis=0)
            found.append(both**2 / (np.maximum(variance, 0.0) + self.noises[kind] + JITTER))
        return self.spread**2 * np.array(found)

    @property
    def _between(self) -> Floats:
        """Covariance of the kinds of one network, in units of the whole one's, (kinds, kinds)."""
        return np.asarray(np.outer(self.slopes, self.slopes) + np.diag(self.own))

    def _across(self, networks: Features) -> Floats:
        leaning = self._between[self.levels, 0][:, None]
        return np.asarray(self._prior(self.measured, networks) * leaning)

    @cached_property
    def _solved(self) -> tuple[Floats, Floats]:
        levels = self.levels
        covariance = self._prior(self.measured, self.measured)
        covariance *= self._between[levels[:, None], levels]
        for kind in range(1, len(self.slopes)):
            there = (levels == kind).astype(np.float64)
            covariance += _offset(kind) * np.outer(there, there)
        covariance[np.diag_indices(len(covariance))] += self.noises[levels] + self.doubts + JITTER
        return factored(covariance, self.values)


def _offset(kind: int) -> float:
    return _OFFSET if kind else 0.0


def _fitted_on(levels: Whole) -> Whole:
    """Places of the measurements that the weights are fitted on: whole ones first."""
    whole, others = np.flatnonzero(levels == 0), np.flatnonzero(levels)
    whole = _spread_over(whole, max(_WHOLE_ROWS, FIT_ROWS - len(others)))
    return np.sort(np.concatenate([whole, _spread_over(others, FIT_ROWS - len(whole))]))


def _spread_over(places: Whole, count: int) -> Whole:
    if len(places) <= count:
        return places
    return places[np.linspace(0, len(places) - 1, count).astype(np.int64)]


def _likeliest(
    parts: Floats, values: Floats, doubts: Floats, levels: Whole, kinds: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Weights (parts,), noises, slopes and own variances (kinds,) that fit best."""
    count, cheap = len(values), kinds - 1
    flat = parts.reshape(len(parts), -1)
    here = np.zeros((kinds, count))
    here[levels, np.arange(count)] = 1.0
    offsets = _OFFSET * (here[1:].T @ here[1:])
    ends = np.cumsum([len(parts), kinds, cheap])
    expected = np.concatenate(
        [
            np.log(np.full(len(parts), 1.0 / len(parts))),
            np.log(np.full(kinds, NOISE)),
            np.full(cheap, _SLOPE),
            np.log(np.full(cheap, _OWN)),
        ]
    )
    sigmas = np.full(len(expected), PRIOR_SIGMA)
    sigmas[ends[1] : ends[2]] = _SLOPE_SIGMA

    def loss(given: Floats) -> tuple[float, Floats]:
        logs, noise_logs, slopes, own_logs = np.split(given, ends)
        weights, noises, own = np.exp(logs), np.exp(noise_logs), np.exp(own_logs)
        leaning = np.concatenate([[1.0], slopes])
        between = np.outer(leaning, leaning) + np.diag(np.concatenate([[0.0], own]))
        spread = between[levels[:, None], levels]
        alike = (weights @ flat).reshape(count, count)
        covariance = alike * spread + offsets
        covariance[np.diag_indices(count)] += noises[levels] + doubts + JITTER
        misfit, inverse, solved = evidence(covariance, values)
        off = (given - expected) / sigmas
        value = misfit + 0.5 * off @ off
        slope = 0.5 * (inverse - np.outer(solved, solved))
        by_kinds = here @ (slope * alike) @ here.T  # sums over pairs of kinds
        gradient = np.concatenate(
            [
                weights * (flat @ (slope * spread).ravel()),
                noises * (here @ np.diag(slope)),
                2.0 * (by_kinds @ leaning)[1:],
                own * np.diag(by_kinds)[1:],
            ]
        )
        return float(value), gradient + off / sigmas

    bounds = [WEIGHT_BOUNDS] * len(parts) + [NOISE_BOUNDS] * kinds
    bounds += [(-1.0, 2.0)] * cheap + [_OWN_BOUNDS] * cheap
    found = most_likely(loss, expected, bounds)
    logs, noise_logs, slopes, own_logs = np.split(found, ends)
    return (
        np.exp(logs),
        np.exp(noise_logs),
        np.concatenate([[1.0], slopes]),
        np.concatenate([[0.0], np.exp(own_logs)]),
    )

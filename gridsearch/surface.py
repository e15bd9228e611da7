"""The accuracy surface of a grid: a Gaussian process over how deep, wide and large a network is.

What a training measures is taken apart into three: a smooth surface over the logarithms of layers,
channels and resolution as rounded; what is the network's own and no smooth surface explains; and
the noise of a training. The last two look alike where each network is trained once. They differ
where some are trained again, so a few repeats keep misfit from being booked as noise.

How fast the surface bends in each direction and how large the three parts are is not fixed at the
likeliest values but summed over (a grid of them, each weighted by its marginal likelihood): sixty
noisy numbers leave them uncertain, and an interval that ignores that is too narrow.
Rasmussen and Williams, *Gaussian Processes for Machine Learning*, sections 2.7 and 5.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LENGTHS = (0.4, 1.0, 4.0)  # of the grid's extent: bends twice, bends once, all but straight
_SIGNALS = (1.0, 4.0, 16.0, 80.0, 500.0)  # variance of the surface over that of the rest
_SHARES = (0.0, 0.3, 0.6, 0.85, 0.97)  # of the rest that is the networks' own, not noise
_RANK = 14  # features that stand for the kernel; they leave a tenth unexplained at the worst
_KEPT = 64  # of the weighted settings; what is left out weighs little
_FINEST = 1e-5  # an accuracy is not known more finely than this


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """What is believed of m networks' true accuracies once n of them are measured.

    Attributes:
        mean: expected accuracy, (m,).
        deviation: posterior standard deviation of it, (m,).
        noise: standard deviation of a single training.
        own: standard deviation of what is a network's own, beside the smooth surface.
        lengths: how far the surface takes to bend, in each direction, weighted, in extents of the
            grid, (3,).
    """

    mean: Floats
    deviation: Floats
    noise: float
    own: float
    lengths: Floats
    _weights: Floats  # (settings,)
    _means: Floats  # (settings, m)
    _roots: Floats  # (settings, m, features): products of rows are covariances of the smooth part

    def deviation_of_difference(self, reference: int) -> Floats:
        """Posterior standard deviations of the surface at each network less at the reference, (m,).

        What networks have of their own and no other shares is left out: it is a lottery that a
        dear network is as likely to win as a cheap one, so it is no reason to take the cheap one.
        """
        apart = self._means - self._means[:, [reference]]
        shared = ((self._roots - self._roots[:, [reference]]) ** 2).sum(axis=2)
        return _mixed(self._weights, apart, shared)[1]


class SurfaceModel:
    """The process over m networks before anything is measured.

    Args:
        sizes: of each, all above 0, (m, 3): layers, channels, resolution.
        extent: networks, from the first on, whose extent is the unit of length; None for all.
    """

    def __init__(self, sizes: Floats, extent: int | None = None) -> None:
        logs = np.log(sizes)
        within = logs[:extent]
        span = within.max(axis=0) - within.min(axis=0)
        self.places = (logs - within.min(axis=0)) / np.where(span > 0, span, 1.0)
        self._lengths = np.array(list(product(*((LENGTHS if s > 0 else (1.0,)) for s in span))))
        self._features = np.stack([_features(self.places / each) for each in self._lengths])

    def posterior(self, scores: Sequence[Sequence[float]]) -> Posterior:
        """Learn from the accuracies of each network's trainings; none for one not measured.

        Raises:
            ValueError: fewer than four networks are measured.
        """
        counts = np.array([len(values) for values in scores])
        known = np.flatnonzero(counts)
        if len(known) < 4:
            raise ValueError("a surface needs four measured networks")
        values = np.array([np.mean(found) for found in scores if len(found)])
        centre = float(values.mean())
        within = sum(float(np.sum((np.array(s) - np.mean(s)) ** 2)) for s in scores if len(s) > 1)
        freedom = int(counts.sum()) - 1
        weights, precision, coefficients, variance, lengths, shares = self._weigh(
            counts[known], known, values - centre, within + freedom * _FINEST**2, freedom
        )
        ratios = (shares / (1 - shares))[:, None]  # own variance over the noise's
        # How far an expectation goes from the surface to the network's own mean; 0 if unmeasured.
        follow = ratios * counts / (ratios * counts + 1)
        base = self._features[lengths]
        inverse = np.linalg.inv(np.linalg.cholesky(precision))
        roots = base @ np.swapaxes(inverse, 1, 2) * np.sqrt(variance)[:, None, None]
        smooth = np.einsum("smf,sf->sm", base, coefficients)
        own = np.zeros(len(counts))
        own[known] = values - centre
        means = centre + smooth + follow * (own - smooth)
        roots *= (1 - follow)[:, :, None]
        alone = variance[:, None] * ratios * (1 - follow)
        shared = (roots**2).sum(axis=2)
        mean, deviation = _mixed(weights, means, shared + alone)
        return Posterior(
            mean=mean,
            deviation=deviation,
            noise=float(np.sqrt(weights @ variance)),
            own=float(np.sqrt(weights @ (variance * ratios[:, 0]))),
            lengths=np.exp(weights @ np.log(self._lengths[lengths])),
            _weights=weights,
            _means=means,
            _roots=roots,
        )

    def _weigh(
        self, counts: Floats, known: NDArray[np.int64], values: Floats, within: float, freedom: int
    ) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.int64], Floats]:
        """The settings that the measurements make likeliest.

        With features F and diagonal noise V this is Bayesian regression: the noise variance is
        integrated out under 1/σ², the level of the surface under a flat prior. The last pivot of
        one Cholesky factor, bordered by the measurements, is the sum of squares.

        Returns:
            Of each setting its weight, the precision of the coefficients, the coefficients, the
            noise variance, the index of its lengths, and the networks' own share.
        """
        base = self._features[:, known]
        bordered = np.concatenate(
            [base, np.broadcast_to(values[:, None], (len(base), len(known), 1))], axis=2
        )
        shares, signals = np.array(_SHARES), np.array(_SIGNALS)
        ratios = shares / (1 - shares)
        variances = ratios[:, None] + 1 / counts  # of a network's mean, over the noise's
        scaled = bordered[:, None] / np.sqrt(variances)[None, :, :, None]
        gram = np.swapaxes(scaled, 2, 3) @ scaled  # (lengths, shares, features + 1, …)
        gram[..., -1, -1] += within
        prior = np.zeros((len(shares), len(signals), gram.shape[-1]))
        # The last feature is the level, known no better beforehand than not at all.
        prior[..., :-2] = 1 / (signals[None, :, None] * (ratios + 1)[:, None, None])
        full = np.repeat(gram[:, :, None], len(signals), axis=2)
        diagonal = np.arange(full.shape[-1])
        full[..., diagonal, diagonal] += prior
        factor = np.linalg.cholesky(full)
        pivots = np.diagonal(factor, axis1=-2, axis2=-1)
        squares = pivots[..., -1] ** 2
        evidence = (
            -0.5 * np.log(variances).sum(axis=1)[None, :, None]
            + 0.5 * np.log(prior[..., :-2]).sum(axis=-1)[None]
            - np.log(pivots[..., :-1]).sum(axis=-1)
            - 0.5 * freedom * np.log(squares)
        ).ravel()
        kept = np.argsort(-evidence, kind="stable")[:_KEPT]
        weights = np.exp(evidence[kept] - evidence[kept[0]])
        length, share, signal = np.unravel_index(kept, squares.shape)
        precision = full[length, share, signal][:, :-1, :-1]
        right = full[length, share, signal][:, :-1, -1]
        coefficients = np.linalg.solve(precision, right[..., None])[..., 0]
        # The variance of Student's t: its heavy tails are in the intervals too.
        variance = squares[length, share, signal] / max(1, freedom - 2)
        weights /= weights.sum()
        return weights, precision, coefficients, variance, np.asarray(length), shares[share]


def _features(places: Floats) -> Floats:
    """Such that the product of two rows is near exp(-distance²/2), and a last one for the level.

    A Cholesky factor that takes the network least explained so far as its next pivot.
    """
    count = len(places)
    found = np.zeros((count, _RANK + 1))
    left = np.ones(count)
    for column in range(_RANK):
        pivot = int(np.argmax(left))
        if left[pivot] < 1e-9:
            break
        kernel = np.exp(-0.5 * ((places - places[pivot]) ** 2).sum(axis=1))
        found[:, column] = (kernel - found @ found[pivot]) / np.sqrt(left[pivot])
        left = np.maximum(left - found[:, column] ** 2, 0.0)
    found[:, -1] = 1.0
    return found


def _mixed(weights: Floats, means: Floats, variances: Floats) -> tuple[Floats, Floats]:
    """Mean and deviation of a mixture, (settings, m) to (m,)."""
    mean = weights @ means
    spread = weights @ (variances + (means - mean) ** 2)
    return mean, np.sqrt(np.maximum(spread, 0.0))

"""Candidates measured over several seeds: means, intervals, and which cannot be told apart.

The winner of several noisy candidates is partly the luckiest, so a plain interval around its mean
lies too high. Its interval is drawn towards the other candidates, as far as the noise allows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.9
_DRAWS = 4000


@dataclass(frozen=True)
class Estimate:
    """One candidate's true score as far as its seeds tell.

    Attributes:
        mean: over the seeds.
        low, high: interval for the true score; None where no candidate has two seeds.
        tied: cannot be told from the winner (the winner itself included).
    """

    mean: float
    low: float | None
    high: float | None
    tied: bool


class Noise(NamedTuple):
    """Deviation of a single score, and the degrees of freedom it was estimated with."""

    deviation: float
    freedom: int


def student_t(probability: float, freedom: float) -> float:
    """Quantile of Student's t distribution.

    >>> round(student_t(0.975, 4), 4)
    2.7764
    """
    from scipy.special import stdtrit  # scipy.stats has it too, and far more to import

    return float(stdtrit(freedom, probability))


def pooled_noise(scores: Sequence[Sequence[float]]) -> Noise | None:
    """The deviation between seeds, pooled over all candidates; None where none has two seeds."""
    freedom = sum(len(values) - 1 for values in scores)
    if freedom == 0:
        return None
    squares = sum(float(np.sum((np.asarray(values) - np.mean(values)) ** 2)) for values in scores)
    return Noise(math.sqrt(squares / freedom), freedom)


def compare(
    scores: Sequence[Sequence[float]],
    confidence: float = CONFIDENCE,
    noise: Noise | None = None,
) -> tuple[int, list[Estimate]]:
    """The candidate of the highest mean, and an estimate for each.

    The noise is taken to be normal and equal for all candidates, and pooled over them. A candidate
    is tied where the interval of its difference to the winner holds 0 (two-sided t, Bonferroni's
    correction for the number of candidates). With one seed each nothing can be told apart, so all
    are tied.

    Args:
        scores: for each candidate its score by seed; at least one of each.
        confidence: of the intervals, in (0, 1).
        noise: of a single score, where it is known from elsewhere; None for what the seeds show.
    """
    means = np.array([np.mean(values) for values in scores])
    counts = np.array([len(values) for values in scores])
    best = int(np.argmax(means))
    noise = noise or pooled_noise(scores)
    if noise is None:
        return best, [Estimate(float(mean), None, None, True) for mean in means]
    deviation, freedom = noise
    quantile = student_t(0.5 + confidence / 2, freedom)
    margins = quantile * deviation / np.sqrt(counts)
    strict = student_t(1 - (1 - confidence) / 2 / max(1, len(scores) - 1), freedom)
    differences = strict * deviation * np.sqrt(1 / counts + 1 / counts[best])
    estimates = [
        Estimate(
            float(mean),
            float(mean - margin),
            float(mean + margin),
            bool(index == best or means[best] - mean <= difference),
        )
        for index, (mean, margin, difference) in enumerate(
            zip(means, margins, differences, strict=True)
        )
    ]
    low = high = float(means[best])
    if deviation:
        low, high = _chosen_interval(means, counts, deviation, freedom, confidence)
    estimates[best] = Estimate(float(means[best]), low, high, True)
    return best, estimates


def _chosen_interval(
    means: np.ndarray, counts: np.ndarray, noise: float, freedom: int, confidence: float
) -> tuple[float, float]:
    """Interval for the true score of the candidate with the highest mean.

    Quantiles of its posterior when true scores are normal around a common centre. How far they
    spread and how large the noise is are drawn too, as the data leave them uncertain.
    """
    rng = np.random.default_rng(0)
    best = int(means.argmax())
    noise_variance = noise**2 * freedom / rng.chisquare(freedom, _DRAWS)
    variances = noise_variance[:, None] / counts  # (draws, candidates)
    spread = np.zeros(_DRAWS)
    others = len(means) - 1
    if others:
        total = float(np.var(means, ddof=1)) * others / rng.chisquare(others, _DRAWS)
        spread = np.maximum(0.0, total - variances.mean(axis=1))
    weights = 1.0 / (spread[:, None] + variances)
    centre = (weights * means).sum(axis=1) / weights.sum(axis=1)
    centre += rng.standard_normal(_DRAWS) / np.sqrt(weights.sum(axis=1))
    if not others:
        centre, spread = means[best] * np.ones(_DRAWS), np.full(_DRAWS, np.inf)
    own = variances[:, best]
    kept = 1.0 / (1.0 + own / np.maximum(spread, 1e-300))
    true = centre + kept * (means[best] - centre)
    true += np.sqrt(kept * own) * rng.standard_normal(_DRAWS)
    low, high = np.quantile(true, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def mean_interval(
    scores: Sequence[float],
    groups: Sequence[Sequence[float]],
    confidence: float = CONFIDENCE,
) -> tuple[float | None, float | None]:
    """Interval of a mean that was not chosen for being high; the noise is pooled over groups.

    (None, None) where no group has two scores.
    """
    noise = pooled_noise(groups)
    if noise is None:
        return None, None
    margin = student_t(0.5 + confidence / 2, noise.freedom) * noise.deviation
    margin /= math.sqrt(len(scores))
    mean = sum(scores) / len(scores)
    return mean - margin, mean + margin


def difference_interval(
    chosen: Sequence[float],
    other: Sequence[float],
    groups: Sequence[Sequence[float]],
    *,
    comparisons: int,
    confidence: float = CONFIDENCE,
) -> float | None:
    """Half the width of the interval of a difference of means (two-sided t, pooled noise).

    It holds for every one of `comparisons` differences at once (Bonferroni), and so for one that
    was chosen among them afterwards. None where no group has two scores.

    Args:
        chosen, other: scores of the two.
        groups: of all networks, to pool the noise over; it is taken to be equal for all.
        comparisons: candidates that `chosen` was chosen among, at least 1.
        confidence: in (0, 1).
    """
    noise = pooled_noise(groups)
    if noise is None:
        return None
    quantile = student_t(1 - (1 - confidence) / 2 / comparisons, noise.freedom)
    return quantile * noise.deviation * math.sqrt(1 / len(chosen) + 1 / len(other))

"""Accuracies measured under other conditions, brought to those of the search that is under way.

Longer trainings, other pixels and other tables shift accuracies and stretch them, and rank some
networks otherwise. A model of the earlier measurements alone says what it expects of the networks
measured here; how these lie to that gives offset and slope, and what is left is doubt.
"""

from dataclasses import dataclass

import numpy as np

from effsearch.nas.surrogate.features import Floats

_SLOPE_FROM = 10  # measurements here before a slope is looked for
_SLOPE_TRUST = 20.0  # measurements that count as much as the belief that the slope is 1
_SLOPES = (0.3, 3.0)
_DOUBT = 0.3  # of the spread, until it is known
_DOUBT_TRUST = 5.0  # measurements that count as much as that


@dataclass(frozen=True)
class Alignment:
    """Value here = offset + slope · value there, give or take `doubt`."""

    offset: float
    slope: float
    doubt: float

    def values(self, there: Floats) -> Floats:
        """Earlier values (n,) as they would have been measured here."""
        return np.asarray(self.offset + self.slope * there)


def align(here: Floats, expected: Floats, sigma: Floats, spread: float) -> Alignment:
    """How measurements here lie to what the earlier ones let one expect.

    Args:
        here: values measured here, (n,), none or more.
        expected, sigma: mean and deviation of what the earlier measurements say of them, (n,).
        spread: standard deviation of the earlier values.
    """
    count = len(here)
    if not count:
        return Alignment(0.0, 1.0, _DOUBT * spread)
    # What the earlier ones know little of says little of how they compare.
    weights = 1.0 / (sigma**2 + (0.1 * spread) ** 2 + 1e-12)
    weights = weights / weights.sum()
    middle = float(weights @ expected)
    slope = 1.0
    if count >= _SLOPE_FROM:
        around = expected - middle
        variance = float(weights @ around**2)
        if variance > 1e-12:
            raw = float(weights @ (around * (here - weights @ here))) / variance
            share = count / (count + _SLOPE_TRUST)
            slope = float(np.clip(1.0 + share * (raw - 1.0), *_SLOPES))
    offset = float(weights @ here) - slope * middle
    left = here - offset - slope * expected
    unexplained = max(0.0, float(np.mean(left**2) - np.mean((slope * sigma) ** 2)))
    prior = (_DOUBT * spread) ** 2
    doubt = (count * unexplained + _DOUBT_TRUST * prior) / (count + _DOUBT_TRUST)
    return Alignment(offset, slope, float(np.sqrt(doubt)))

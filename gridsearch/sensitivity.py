"""What a choice depended on: how far the modelled surface moves along each dimension."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from effsearch.gridsearch.surface import Floats, Posterior

DIMENSIONS = ("layers", "channels", "resolution")
_STEPS = 7
_TOLD = 1.645  # deviations: a change that large is told from none in nine cases of ten


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """How far the expected accuracy moves along one dimension, the others in the grid's middle.

    Attributes:
        dimension: `layers`, `channels` (mean of the stages) or `resolution` in pixels.
        low, high: between which of its values.
        best: the value of the highest expected accuracy.
        change: highest less lowest expected accuracy on the way, a fraction.
        deviation: posterior standard deviation of that change.
        told: the change is larger than noise would make it.
    """

    dimension: str
    low: float
    high: float
    best: float
    change: float
    deviation: float
    told: bool


def lines(sizes: Floats) -> Floats:
    """Sizes of networks along each dimension through the middle of the grid, (3 · steps, 3).

    Args:
        sizes: of the grid's networks, (m, 3).
    """
    logs = np.log(sizes)
    low, high = logs.min(axis=0), logs.max(axis=0)
    along = np.repeat(((low + high) / 2)[None], len(DIMENSIONS) * _STEPS, axis=0)
    for dimension in range(len(DIMENSIONS)):
        rows = slice(dimension * _STEPS, (dimension + 1) * _STEPS)
        along[rows, dimension] = np.linspace(low[dimension], high[dimension], _STEPS)
    return np.asarray(np.exp(along))


def sensitivities(posterior: Posterior, along: Floats, first: int) -> Iterator[Sensitivity]:
    """The largest change first; a dimension in which all networks are equal has none.

    Args:
        posterior: of the grid's networks and, from place `first` on, those of `lines`.
        along: from `lines`.
        first: place of the first of them.
    """
    found = []
    for number, dimension in enumerate(DIMENSIONS):
        start = number * _STEPS
        values = along[start : start + _STEPS, number]
        expected = posterior.mean[first + start : first + start + _STEPS]
        top, bottom = int(np.argmax(expected)), int(np.argmin(expected))
        if values[0] == values[-1]:
            continue
        change = float(expected[top] - expected[bottom])
        apart = posterior.deviation_of_difference(first + start + bottom)
        deviation = float(apart[first + start + top])
        found.append(
            Sensitivity(
                dimension=dimension,
                low=float(values[0]),
                high=float(values[-1]),
                best=float(values[top]),
                change=change,
                deviation=deviation,
                told=change > _TOLD * deviation,
            )
        )
    return iter(sorted(found, key=lambda one: -one.change))

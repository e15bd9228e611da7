"""Scaling to a budget: how far one dimension, or φ, must go for a wanted cost.

Rounding makes the cost a step function of the multiplier, so what is found is the closest network
that can be reached, together with how far off it is.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import Cost, cost
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.rule import EFFICIENTNET, ScalingRule
from effsearch.search_spaces.scaling import (
    PUBLISHED_COEFFICIENTS,
    Coefficients,
    Rounding,
    check_positive,
    compound,
    round_resolution,
    scale,
    scaled_resolution,
)

Dimension = Literal["depth", "width", "resolution", "compound"]
Metric = Literal["macs", "params", "memory_bytes"]

_REACH = 32.0  # doublings of one dimension, or steps of φ, that are looked at
_SMALLEST = 2.0**-8  # multiplier of one dimension
_DECIMALS = 6  # of a multiplier; finer ones only tell floating-point noise apart


@dataclass(frozen=True, kw_only=True)
class Reached:
    """The network closest to a wanted cost along one dimension.

    Attributes:
        architecture: the scaled network.
        dimension: what was scaled.
        multiplier: of that dimension; φ where the dimension is `compound`.
        cost: what the network costs.
        target: what was wanted of `metric`.
        metric: the cost that was wanted.
    """

    architecture: Architecture
    dimension: Dimension
    multiplier: float
    cost: Cost
    target: float
    metric: Metric

    @property
    def error(self) -> float:
        """Relative distance from the target; negative where the network is cheaper."""
        return float(getattr(self.cost, self.metric)) / self.target - 1.0


def scale_to_cost(
    architecture: Architecture,
    dimension: Dimension,
    target: float,
    *,
    metric: Metric = "macs",
    coefficients: Coefficients = PUBLISHED_COEFFICIENTS,
    rounding: Rounding = "exact",
    rule: ScalingRule = EFFICIENTNET,
) -> Reached:
    """Scale one dimension, or all three by φ, to the reachable network closest to `target`.

    The target is hardly ever met exactly: `Reached.error` says by how much it was missed. The
    resolution does not change `params`.

    Args:
        architecture: the baseline.
        dimension: what to scale; the others stay.
        target: wanted value of `metric`, above 0.
        metric: `macs`, `params` or `memory_bytes`.
        coefficients: for `compound` alone.
        rounding: of the resolution.
        rule: how layers and channels are rounded, and what of the network stays.

    Raises:
        InputError: an unknown dimension, metric or rounding, or a target that is not above 0.

    Example:
        >>> import effsearch
        >>> b0 = effsearch.load_zoo("efficientnet-b0")
        >>> reached = effsearch.scale_to_cost(b0, "compound", 2e9)
        >>> abs(reached.error) < 0.1
        True
    """
    if dimension not in get_args(Dimension):
        raise unknown_name("dimension", dimension, get_args(Dimension))
    if metric not in get_args(Metric):
        raise unknown_name("cost", metric, get_args(Metric))
    check_positive(f"the target of {metric}", target)
    round_resolution(architecture.resolution, rounding)  # an unknown rounding is said here

    def network(multiplier: float) -> Architecture:
        match dimension:
            case "depth":
                return scale(architecture, depth=multiplier, rule=rule)
            case "width":
                return scale(architecture, width=multiplier, rule=rule)
            case "resolution":
                pixels = scaled_resolution(architecture, multiplier, rounding)
                return scale(architecture, resolution=pixels)
            case "compound":
                return compound(architecture, coefficients, multiplier, rounding, rule)

    # φ is a logarithm already; the others are searched on a logarithmic scale like it.
    def multiplier_at(step: float) -> float:
        return round(step if dimension == "compound" else max(_SMALLEST, 2.0**step), _DECIMALS)

    def at(step: float) -> Architecture:
        return network(multiplier_at(step))

    def excess(step: float) -> float:
        """Relative distance from the target; infinite beyond the networks that can be."""
        try:
            return float(getattr(cost(at(step)), metric)) / target - 1.0
        except InputError:
            return math.copysign(math.inf, step)

    step = _closest(excess)
    low, high = _plateau(step, at)
    multiplier = _shortest(multiplier_at(low), multiplier_at(high))
    found = network(multiplier)
    return Reached(
        architecture=found,
        dimension=dimension,
        multiplier=multiplier,
        cost=cost(found),
        target=float(target),
        metric=metric,
    )


def _closest(excess: Callable[[float], float]) -> float:
    """Where a nearly monotone step function of a real number comes closest to zero."""
    low, high = -0.5, 0.5
    while excess(low) > 0 and low > -_REACH:
        low *= 2
    while excess(high) < 0 and high < _REACH:
        high *= 2
    for _ in range(45):
        middle = (low + high) / 2
        if excess(middle) < 0:
            low = middle
        else:
            high = middle
    # Shortcuts that come and go as channels become equal dent the steps, so look around as well.
    around = [high + offset / 1000 for offset in range(-100, 101)]
    tried = {step: abs(excess(step)) for step in (0.0, low, high, *around)}
    return min(tried, key=lambda step: (tried[step], abs(step)))


def _plateau(step: float, at: Callable[[float], Architecture]) -> tuple[float, float]:
    """Ends of the interval around `step` in which the network is the same, at most 1 beyond it."""
    wanted = at(step)

    def end(outside: float) -> float:
        inside = step
        for _ in range(40):
            middle = (inside + outside) / 2
            try:
                same = at(middle) == wanted
            except InputError:
                same = False
            if same:
                inside = middle
            else:
                outside = middle
        return inside

    return end(min(step - 1.0, 0.0)), end(max(step + 1.0, 0.0))


def _shortest(low: float, high: float) -> float:
    """The number with the fewest decimals between two others: what a person would have typed."""
    for decimals in range(_DECIMALS):
        shorter = round((low + high) / 2, decimals)
        if low <= shorter <= high:
            return shorter + 0.0  # no -0
    return low

"""Scaling to a latency: the φ whose network, measured, comes closest to a wanted time.

Every φ costs a measurement, and measurements are noisy, so few are made: the logarithm of the
latency is nearly a straight line in φ, and the next φ lies where the line through the nearest two
measurements meets the target.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InfeasibleError, InputError
from effsearch.search_spaces.scaling import (
    PUBLISHED_COEFFICIENTS,
    Coefficients,
    Rounding,
    check_positive,
    compound,
)

_CLOSE = 0.01  # no measurement is surer than this
_MOST = 10  # measurements
_STEP = 4.0  # of φ at most: far from what was measured the line means little
_DECIMALS = 2  # of φ
_INNER = 0.2  # of the way between two measurements at least
_RANGE = 20.0  # φ looked at, either side of 0


@dataclass(frozen=True, kw_only=True)
class ReachedLatency:
    """The measured network closest to a wanted latency.

    Attributes:
        architecture: the scaled network.
        phi: its compound coefficient.
        latency_ms: as measured.
        target_ms: as wanted.
        tried: every φ that was measured, with its milliseconds.
    """

    architecture: Architecture
    phi: float
    latency_ms: float
    target_ms: float
    tried: tuple[tuple[float, float], ...]

    @property
    def error(self) -> float:
        """Relative distance from the target; negative where the network is faster."""
        return self.latency_ms / self.target_ms - 1.0


def scale_to_latency(
    architecture: Architecture,
    target_ms: float,
    measure_ms: Callable[[Architecture], float],
    *,
    coefficients: Coefficients = PUBLISHED_COEFFICIENTS,
    rounding: Rounding = "exact",
) -> ReachedLatency:
    """Scale by φ to the network whose measured latency is closest to `target_ms`.

    Args:
        architecture: the baseline, φ = 0.
        target_ms: wanted, above 0.
        measure_ms: end to end, such as by `meter.measure`; called at most ten times.
        coefficients: α, β, γ.
        rounding: of the resolution.

    Raises:
        InputError: the target is not above 0.
        InfeasibleError: nothing near it is reachable; the message says what was measured.
    """
    check_positive("the target latency", target_ms)
    tried: dict[float, float] = {}
    phi = 0.0
    while len(tried) < _MOST and phi not in tried:
        try:
            tried[phi] = measure_ms(compound(architecture, coefficients, phi, rounding))
        except InputError:  # beyond the networks that can be
            break
        if abs(tried[phi] / target_ms - 1.0) < _CLOSE:
            break
        phi = _next(tried, target_ms)
    best = min(tried, key=lambda phi: abs(math.log(tried[phi] / target_ms)))
    if abs(math.log(tried[best] / target_ms)) > math.log(2.0):
        raise InfeasibleError(
            f"no phi reaches {target_ms:g} ms: measured were {min(tried.values()):.3g} to "
            f"{max(tried.values()):.3g} ms at phi {min(tried):g} to {max(tried):g}"
        )
    return ReachedLatency(
        architecture=compound(architecture, coefficients, best, rounding),
        phi=best,
        latency_ms=tried[best],
        target_ms=target_ms,
        tried=tuple(tried.items()),
    )


def _next(tried: dict[float, float], target_ms: float) -> float:
    """Where the line through the two measurements nearest to the target meets it.

    Rounding makes latency a step function of φ. Once the target lies between two measurements the
    next one does too, away from both, so that a step between them is found.
    """
    below = [phi for phi in tried if tried[phi] <= target_ms]
    above = [phi for phi in tried if tried[phi] > target_ms]
    if below and above and max(below) < min(above):
        low, high = max(below), min(above)
        part = math.log(target_ms / tried[low]) / math.log(tried[high] / tried[low])
        return round(low + (high - low) * min(max(part, _INNER), 1.0 - _INNER), _DECIMALS)
    nearest = sorted(tried, key=lambda phi: abs(math.log(tried[phi] / target_ms)))[:2]
    away = math.log(target_ms / tried[nearest[0]])
    slope = math.log(2.0)  # as the multiply-adds do, until two measurements say otherwise
    if len(nearest) == 2:
        between = math.log(tried[nearest[1]] / tried[nearest[0]]) / (nearest[1] - nearest[0])
        slope = max(between, 0.1 * slope)  # noise must not turn the line round
    step = min(max(away / slope, -_STEP), _STEP)
    return round(min(max(nearest[0] + step, -_RANGE), _RANGE), _DECIMALS)

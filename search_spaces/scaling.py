"""Compound scaling: an architecture times depth, width and resolution, rounded as published.

EfficientNet, arXiv 1905.11946, section 3.3; the rounding is that of its code, which the paper does
not spell out.
"""

import math
from dataclasses import dataclass, replace

from effsearch.search_spaces.architecture import Architecture, Head
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.rounding import Rounding as Rounding

_MULTIPLES: dict[str, int] = {"exact": 1, "even": 2, "8": 8, "32": 32}
_DIVISOR = 8  # channels are multiples of it
_NOISE = 9  # decimals that survive: 10 × 1.1 is 11.000000000000002 and must count as 11


def round_filters(filters: int, width: float) -> int:
    """Channels times `width`, to the nearest multiple of 8 that loses no more than a tenth.

    A width of 1 leaves channels that are no multiple of 8 as they are.
    """
    if width == 1.0:
        return filters
    wanted = round(filters * width, _NOISE)
    rounded = max(_DIVISOR, int(wanted + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return rounded + _DIVISOR if rounded < 0.9 * wanted else rounded


def round_repeats(layers: int, depth: float) -> int:
    """Layers times `depth`, rounded up; at least 1."""
    return max(1, math.ceil(round(layers * depth, _NOISE)))


def round_resolution(pixels: float, rounding: Rounding = "exact") -> int:
    """The nearest resolution that `rounding` allows (halves up), never below its multiple.

    Raises:
        InputError: a rounding nobody knows.
    """
    if rounding not in _MULTIPLES:
        raise unknown_name("rounding of the resolution", rounding, _MULTIPLES)
    multiple = _MULTIPLES[rounding]
    return max(1, math.floor(round(pixels, _NOISE) / multiple + 0.5)) * multiple


def total_stride(architecture: Architecture) -> int:
    """By how much the network shrinks its input: the least resolution that fills every layer."""
    stem = architecture.stem.stride * (2 if architecture.stem.pool else 1)
    return stem * math.prod(stage.stride for stage in architecture.stages)


def scale(
    architecture: Architecture,
    *,
    depth: float = 1.0,
    width: float = 1.0,
    resolution: int | None = None,
) -> Architecture:
    """Multiply layers by `depth` and channels by `width`, stem's and head's included.

    Args:
        architecture: what to scale.
        depth: above 0; every stage keeps at least one layer.
        width: above 0; channels become multiples of 8.
        resolution: pixels, where it changes.

    Raises:
        InputError: a multiplier that is not finite and above 0, a resolution below the product of
            the strides, or a network that grows beyond what an architecture may have.
    """
    check_positive("depth", depth)
    check_positive("width", width)
    if resolution is None:
        resolution = architecture.resolution
    if architecture.resolution != resolution < total_stride(architecture):
        raise InputError(
            f"a resolution of {resolution} is below what the strides allow: this network shrinks "
            f"its input {total_stride(architecture)} times, give at least that many pixels"
        )
    return replace(
        architecture,
        stem=replace(architecture.stem, channels=round_filters(architecture.stem.channels, width)),
        stages=tuple(
            replace(
                stage,
                channels=round_filters(stage.channels, width),
                layers=round_repeats(stage.layers, depth),
            )
            for stage in architecture.stages
        ),
        head=Head(channels=round_filters(architecture.head.channels, width))
        if architecture.head.channels
        else architecture.head,
        resolution=resolution,
    )


def check_positive(name: str, value: object) -> None:
    """Raise an InputError unless `value` is a finite number above zero."""
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    if not usable or not 0 < value < math.inf:  # type: ignore[operator]
        raise InputError(f"{name} must be a finite number above zero, not {value!r}")


@dataclass(frozen=True)
class Coefficients:
    """How depth, width and resolution grow with φ: d = α^φ, w = β^φ, r = γ^φ (equation 3).

    Attributes:
        alpha: of the depth, above 0; the published search keeps all three at 1 or more.
        beta: of the width.
        gamma: of the resolution.
    """

    alpha: float
    beta: float
    gamma: float

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "gamma"):
            check_positive(name, getattr(self, name))

    @property
    def product(self) -> float:
        """α·β²·γ²: the nominal growth of MACs for each step of φ; published close to 2."""
        return self.alpha * self.beta**2 * self.gamma**2

    def multipliers(self, phi: float) -> tuple[float, float, float]:
        """Depth, width and resolution multipliers at φ.

        Raises:
            InputError: φ is not finite, or so large that a power is not.
        """
        try:
            depth, width, resolution = (
                float(base) ** phi for base in (self.alpha, self.beta, self.gamma)
            )
        except OverflowError:
            depth = width = resolution = math.inf
        if not all(0 < value < math.inf for value in (depth, width, resolution)):
            raise InputError(f"φ = {phi} is out of range: give a finite number such as 1 or -0.5")
        return depth, width, resolution


PUBLISHED_COEFFICIENTS = Coefficients(alpha=1.2, beta=1.1, gamma=1.15)
"""EfficientNet's. B1 to B7 are not made by them: see `search_spaces.zoo.published_family`."""


def compound(
    architecture: Architecture,
    coefficients: Coefficients,
    phi: float,
    rounding: Rounding = "exact",
) -> Architecture:
    """Scale all three dimensions by φ (section 3.3); φ = 0 changes nothing, below 0 it shrinks.

    Raises:
        InputError: as `scale`, `round_resolution` and `Coefficients.multipliers`.
    """
    depth, width, factor = coefficients.multipliers(phi)
    resolution = scaled_resolution(architecture, factor, rounding)
    return scale(architecture, depth=depth, width=width, resolution=resolution)


def scaled_resolution(
    architecture: Architecture, factor: float, rounding: Rounding = "exact"
) -> int:
    """The architecture's resolution times `factor`, rounded; a factor of 1 leaves it as it is.

    Raises:
        InputError: a factor that is not finite and above 0, or a rounding nobody knows.
    """
    check_positive("resolution", factor)
    if factor == 1.0:
        return architecture.resolution
    return round_resolution(architecture.resolution * factor, rounding)

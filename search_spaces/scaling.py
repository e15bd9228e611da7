"""Compound scaling: an architecture times depth, width and resolution, rounded as published.

EfficientNet, arXiv 1905.11946, section 3.3; the rounding is that of its code, which the paper does
not spell out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.search_spaces.operations.operation import of_output
from effsearch.search_spaces.parts import Stage
from effsearch.search_spaces.rounding import Rounding as Rounding
from effsearch.search_spaces.rule import EFFICIENTNET, ScalingRule
from effsearch.search_spaces.squeeze import divisible

_MULTIPLES: dict[str, int] = {"exact": 1, "even": 2, "8": 8, "32": 32}
_NOISE = 9  # decimals that survive: 10 × 1.1 is 11.000000000000002 and must count as 11


def round_filters(filters: int, width: float, rule: ScalingRule = EFFICIENTNET) -> int:
    """Channels times `width`, to the nearest multiple of 8 that loses no more than a tenth.

    A width of 1 leaves channels that are not a multiple of 8 as they are. A rule may have another
    divisor and another limit.
    """
    if width == 1.0:
        return filters
    return divisible(round(filters * width, _NOISE), rule.divisor, rule.limit)


def round_repeats(layers: int, depth: float, rule: ScalingRule = EFFICIENTNET) -> int:
    """Layers times `depth`, rounded up (or as a rule says); at least 1."""
    wanted = round(layers * depth, _NOISE)
    return max(1, round(wanted) if rule.depth == "nearest" else math.ceil(wanted))


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
    rule: ScalingRule = EFFICIENTNET,
) -> Architecture:
    """Multiply layers by `depth` and channels by `width`, stem's and head's included.

    Stages that are joined share their layers: the sum of them is multiplied, and each keeps its
    part of it.

    Args:
        architecture: what to scale.
        depth: above 0; every stage keeps at least one layer.
        width: above 0; channels become multiples of 8.
        resolution: pixels, where it changes.
        rule: how a family rounds, and what of the network it leaves as it is.

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
    stem, head = architecture.stem, architecture.head
    if rule.stem == "scaled":
        stem = replace(stem, channels=round_filters(stem.channels, width, rule))
    if head.channels and rule.head != "fixed":
        channels = round_filters(head.channels, width, rule)
        head = replace(
            head, channels=max(channels, head.channels) if rule.head == "grown" else channels
        )
    layers = _scaled_layers(architecture.stages, depth, rule)
    return replace(
        architecture,
        stem=stem,
        stages=tuple(
            replace(stage, channels=_stage_filters(stage, width, rule), layers=count)
            for stage, count in zip(architecture.stages, layers, strict=True)
        ),
        head=head,
        resolution=resolution,
    )


def _stage_filters(stage: Stage, width: float, rule: ScalingRule) -> int:
    """A stage's channels times `width`, its groups whole."""
    if stage.group_size and OPERATIONS[stage.op].hidden is of_output:
        whole = max(1, round(stage.group_size / stage.expand))
        rule = replace(rule, divisor=math.lcm(rule.divisor, whole))
    return round_filters(stage.channels, width, rule)


def _scaled_layers(stages: Sequence[Stage], depth: float, rule: ScalingRule) -> list[int]:
    """The layers of each stage, multiplied by `depth`."""
    groups: list[list[int]] = []
    for stage in stages:
        if stage.joined and groups:
            groups[-1].append(stage.layers)
        else:
            groups.append([stage.layers])
    scaled: list[int] = []
    for place, group in enumerate(groups):
        if rule.ends == "fixed" and place in (0, len(groups) - 1):
            scaled += group
        else:
            scaled += _shared(group, round_repeats(sum(group), depth, rule))
    return scaled


def _shared(layers: Sequence[int], total: int) -> list[int]:
    """`total` layers shared out in proportion, from the last to the first; at least one each."""
    left, shares = sum(layers), []
    for count in reversed(layers):
        shares.append(max(1, round(count / left * total)))
        left, total = left - count, total - shares[-1]
    return shares[::-1]


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

    Example:
        >>> import effsearch
        >>> published = effsearch.Coefficients(1.2, 1.1, 1.15)
        >>> round(published.product, 3)
        1.92
    """

    alpha: float
    beta: float
    gamma: float

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "gamma"):
            check_positive(name, getattr(self, name))

    def _repr_html_(self) -> str:
        """In a notebook: the three, and how fast the cost grows."""
        from effsearch.search_spaces.html import html_table

        values = (self.alpha, self.beta, self.gamma, self.product)
        heading = ("depth α", "width β", "resolution γ", "α·β²·γ²")
        return html_table([[f"{value:.4g}" for value in values]], heading)

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
    rule: ScalingRule = EFFICIENTNET,
) -> Architecture:
    """Scale all three dimensions by φ (section 3.3); φ = 0 changes nothing, below 0 it shrinks.

    Raises:
        InputError: as `scale`, `round_resolution` and `Coefficients.multipliers`.

    Example:
        >>> import effsearch
        >>> b0 = effsearch.load_zoo("efficientnet-b0")
        >>> grown = effsearch.compound(b0, effsearch.Coefficients(1.2, 1.1, 1.15), phi=1)
        >>> grown.resolution, effsearch.cost(grown).macs
        (258, 992629472)
    """
    depth, width, factor = coefficients.multipliers(phi)
    resolution = scaled_resolution(architecture, factor, rounding)
    return scale(architecture, depth=depth, width=width, resolution=resolution, rule=rule)


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

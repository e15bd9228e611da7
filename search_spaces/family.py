"""Families: one baseline at several φ, or EfficientNet's published B0 to B7.

The two are never mixed up: `formula` is α^φ, β^φ, γ^φ with the published rounding of channels and
layers; `published` is a table that was rounded by hand and that no φ reproduces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import Cost, cost
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.rule import EFFICIENTNET, ScalingRule, ruled_families
from effsearch.search_spaces.scaling import Coefficients, Rounding, compound, scale
from effsearch.search_spaces.zoo import load_zoo, published_family


@dataclass(frozen=True, kw_only=True)
class Member:
    """One network of a family.

    Attributes:
        name: `phi1`, `efficientnet-b1`: unique in its family, fit for a file name.
        phi: the compound coefficient; None in the published family, which has none.
        depth, width: multipliers of layers and channels, before rounding.
        architecture: the network, rounded.
        cost: at the network's own resolution.
        nominal_ratio: MACs over the baseline's if nothing were rounded: d·w²·r².
        measured_ratio: MACs over the baseline's, counted.
    """

    name: str
    phi: float | None
    depth: float
    width: float
    architecture: Architecture
    cost: Cost
    nominal_ratio: float
    measured_ratio: float

    @property
    def resolution(self) -> int:
        """Input side in pixels."""
        return self.architecture.resolution


def formula_family(
    baseline: Architecture,
    coefficients: Coefficients,
    phis: Sequence[float],
    rounding: Rounding = "exact",
    rule: ScalingRule = EFFICIENTNET,
) -> list[Member]:
    """The baseline scaled by every φ, in the order given.

    Raises:
        InputError: as `effsearch.search_spaces.scaling.compound`; the φ is named.
    """
    base = cost(baseline)
    return [
        _scaled(baseline, base, coefficients, phi, rounding, rule) for phi in dict.fromkeys(phis)
    ]


def published_members(numbers: Sequence[float]) -> list[Member]:
    """EfficientNet-B0 to B7 by number.

    Raises:
        InputError: a number that is not one of 0 to 7.
    """
    entries = published_family()
    base = entries[0]
    base_cost = cost(base.architecture)
    members = []
    for number in dict.fromkeys(numbers):
        if number not in range(len(entries)):
            raise InputError(
                f"the published family has the members 0 to 7, not {number:g}: "
                "other values of phi go with --family formula"
            )
        entry = entries[int(number)]
        counted = cost(entry.architecture)
        members.append(
            Member(
                name=entry.name,
                phi=None,
                depth=entry.depth,
                width=entry.width,
                architecture=entry.architecture,
                cost=counted,
                nominal_ratio=entry.depth
                * entry.width**2
                * (entry.resolution / base.resolution) ** 2,
                measured_ratio=counted.macs / base_cost.macs,
            )
        )
    return members


def ruled_members(family: str) -> list[Member]:
    """The published members of a family that was scaled by a rule, base and all.

    Raises:
        InputError: no such family.
    """
    families = ruled_families()
    if family not in families:
        raise unknown_name("family", family, families)
    found = families[family]
    base = load_zoo(found.base)
    return [
        ruled_member(base, found.rule, depth, width, resolution, name)
        for name, (depth, width, resolution) in found.members.items()
    ]


def ruled_member(
    base: Architecture,
    rule: ScalingRule,
    depth: float,
    width: float,
    resolution: int | None,
    name: str | None = None,
) -> Member:
    """A network with its depth and width multiplied by a rule, at some resolution.

    Raises:
        InputError: as `effsearch.search_spaces.scaling.scale`.
    """
    made = scale(base, depth=depth, width=width, resolution=resolution, rule=rule)
    counted = cost(made)
    return Member(
        name=name or f"d{depth:g}-w{width:g}-r{made.resolution}",
        phi=None,
        depth=depth,
        width=width,
        architecture=made,
        cost=counted,
        nominal_ratio=depth * width**2 * (made.resolution / base.resolution) ** 2,
        measured_ratio=counted.macs / cost(base).macs,
    )


def _scaled(
    baseline: Architecture,
    base: Cost,
    coefficients: Coefficients,
    phi: float,
    rounding: Rounding,
    rule: ScalingRule,
) -> Member:
    depth, width, factor = coefficients.multipliers(phi)
    try:
        architecture = compound(baseline, coefficients, phi, rounding, rule)
    except InputError as error:
        raise InputError(f"phi = {phi:g}: {error}") from None
    counted = cost(architecture)
    return Member(
        name=f"phi{phi:g}" if float(f"{phi:g}") == phi else f"phi{phi!r}",
        phi=phi,
        depth=depth,
        width=width,
        architecture=architecture,
        cost=counted,
        nominal_ratio=depth * width**2 * factor**2,
        measured_ratio=counted.macs / base.macs,
    )

"""The networks a grid comes to: triples that round to the same network are one candidate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from effsearch.gridsearch.grid import TARGET, Grid, Triple, feasible_triples, just_above
from effsearch.gridsearch.options import Constraint
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import Cost, cost
from effsearch.search_spaces.errors import InfeasibleError
from effsearch.search_spaces.rule import EFFICIENTNET, ScalingRule
from effsearch.search_spaces.scaling import (
    Rounding,
    compound,
    scale,
    scaled_resolution,
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One distinct network and every feasible triple that rounds to it.

    Attributes:
        id: the network's.
        architecture: the baseline scaled.
        cost: at its own resolution.
        measured_ratio: MACs over the baseline's.
        triples: at least one, in grid order.
    """

    id: str
    architecture: Architecture
    cost: Cost
    measured_ratio: float
    triples: tuple[Triple, ...]

    @property
    def triple(self) -> Triple:
        """The triple it is named by: the nominal product closest to 2, then the smallest."""
        return min(self.triples, key=lambda triple: (abs(triple.product - TARGET), triple))


def find_candidates(
    baseline: Architecture,
    grid: Grid,
    *,
    phi: float,
    tolerance: Fraction,
    constraint: Constraint,
    rounding: Rounding = "exact",
    rule: ScalingRule = EFFICIENTNET,
) -> list[Candidate]:
    """The distinct networks of the feasible triples, cheapest first.

    Args:
        baseline: what is scaled.
        phi: not 0.
        rule: by which depth and width multiply the baseline.
        tolerance: how far from 2 the product may lie: for `nominal` α·β²·γ², for `measured` the
            growth of the counted MACs with each step of φ, (measured ratio)^(1/φ).

    Raises:
        InfeasibleError: no triple is feasible; the smallest tolerance that has one is named.
        InputError: a network that cannot be, such as a resolution below what the strides allow.
    """
    if constraint == "nominal":
        return distinct(baseline, feasible_triples(grid, tolerance), phi, rounding, rule)
    everything = distinct(baseline, grid, phi, rounding, rule)
    growth = {found.id: found.measured_ratio ** (1 / phi) for found in everything}
    chosen = [found for found in everything if abs(growth[found.id] - TARGET) < tolerance]
    if chosen:
        return chosen
    nearest = min(abs(value - TARGET) for value in growth.values())
    raise InfeasibleError(
        f"no triple of the grid has measured MACs within {float(tolerance):g} of 2 times the "
        f"baseline's for each step of phi: the smallest --tolerance that has one is "
        f"{just_above(Fraction(nearest))}"
    )


def distinct(
    baseline: Architecture,
    triples: Iterable[Triple],
    phi: float,
    rounding: Rounding,
    rule: ScalingRule = EFFICIENTNET,
) -> list[Candidate]:
    """One candidate for each different network, by MACs and id."""
    kept = _Rounded(baseline, phi, rounding, rule)
    groups: dict[tuple[object, ...], list[Triple]] = {}
    for triple in triples:
        groups.setdefault(kept.key(triple), []).append(triple)
    # Different roundings can still resolve to one network, so the id has the last word.
    by_id: dict[str, tuple[Architecture, list[Triple]]] = {}
    for group in groups.values():
        network = compound(baseline, group[0].coefficients, phi, rounding, rule)
        by_id.setdefault(network.id, (network, []))[1].extend(group)
    base = cost(baseline).macs
    made = [_candidate(id, network, group, base) for id, (network, group) in by_id.items()]
    return sorted(made, key=lambda found: (found.cost.macs, found.id))


def _candidate(
    id: str, network: Architecture, triples: Sequence[Triple], base_macs: int
) -> Candidate:
    counted = cost(network)
    return Candidate(
        id=id,
        architecture=network,
        cost=counted,
        measured_ratio=counted.macs / base_macs,
        triples=tuple(sorted(triples)),
    )


class _Rounded:
    """What the rounding leaves of each coefficient: grids have few different ones of each."""

    def __init__(
        self, baseline: Architecture, phi: float, rounding: Rounding, rule: ScalingRule
    ) -> None:
        self._baseline, self._phi, self._rounding, self._rule = baseline, phi, rounding, rule
        self._alpha: dict[int, tuple[int, ...]] = {}
        self._beta: dict[int, tuple[int, ...]] = {}
        self._gamma: dict[int, int] = {}

    def key(self, triple: Triple) -> tuple[object, ...]:
        """Equal for triples whose layers, channels and resolution round to the same."""
        if triple.alpha not in self._alpha:
            self._alpha[triple.alpha] = self._layers(triple)
        if triple.beta not in self._beta:
            self._beta[triple.beta] = self._channels(triple)
        if triple.gamma not in self._gamma:
            self._gamma[triple.gamma] = self._resolution(triple)
        return self._alpha[triple.alpha], self._beta[triple.beta], self._gamma[triple.gamma]

    def _layers(self, triple: Triple) -> tuple[int, ...]:
        depth, _, _ = triple.coefficients.multipliers(self._phi)
        scaled = scale(self._baseline, depth=depth, rule=self._rule)
        return tuple(stage.layers for stage in scaled.stages)

    def _channels(self, triple: Triple) -> tuple[int, ...]:
        _, width, _ = triple.coefficients.multipliers(self._phi)
        scaled = scale(self._baseline, width=width, rule=self._rule)
        stages = (stage.channels for stage in scaled.stages)
        return (scaled.stem.channels, *stages, scaled.head.channels)

    def _resolution(self, triple: Triple) -> int:
        _, _, factor = triple.coefficients.multipliers(self._phi)
        return scaled_resolution(self._baseline, factor, self._rounding)

"""Triples that round to one network are one candidate, and none is lost on the way."""

from fractions import Fraction

import pytest

from effsearch.gridsearch.candidates import distinct, find_candidates
from effsearch.gridsearch.grid import Triple, exact_tolerance, feasible_triples, make_grid
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InfeasibleError, InputError
from effsearch.search_spaces.rule import parse_rule
from effsearch.search_spaces.scaling import compound
from effsearch.search_spaces.zoo import load_zoo

B0 = load_zoo("efficientnet-b0")
GRID = make_grid(0.05)


@pytest.mark.parametrize(
    ("name", "networks"), [("efficientnet-b0", 65), ("mobilenet-v2", 65), ("resnet-50", 74)]
)
def test_so_many_distinct_networks(name: str, networks: int) -> None:
    found = find_candidates(
        load_zoo(name), GRID, phi=1, tolerance=exact_tolerance(0.1), constraint="nominal"
    )
    assert len(found) == networks
    triples = [triple for candidate in found for triple in candidate.triples]
    assert sorted(triples) == sorted(feasible_triples(GRID, exact_tolerance(0.1)))


def test_a_candidate_is_the_network_of_each_of_its_triples() -> None:
    for candidate in find_candidates(
        B0, GRID, phi=1, tolerance=exact_tolerance(0.1), constraint="nominal"
    ):
        assert {compound(B0, one.coefficients, 1).id for one in candidate.triples} == {candidate.id}


@pytest.mark.parametrize(
    ("name", "rule"),
    [("mobilenet-v2", "mobilenetv2"), ("efficientnet-lite0", "efficientnet-lite")],
)
def test_candidates_are_scaled_by_a_family_s_rule(name: str, rule: str) -> None:
    baseline, scaled_by = load_zoo(name), parse_rule(rule)
    triples = list(make_grid(0.1))
    found = distinct(baseline, triples, 1, "exact", scaled_by)
    for candidate in found:
        made = {compound(baseline, t.coefficients, 1, rule=scaled_by) for t in candidate.triples}
        assert made == {candidate.architecture}
    if rule == "efficientnet-lite":  # its stem and head stay
        assert {one.architecture.head for one in found} == {baseline.head}
        assert {one.architecture.stem for one in found} == {baseline.stem}


def test_layers_of_joined_stages_are_told_apart() -> None:
    large = load_zoo("mobilenet-v3-large")
    for candidate in distinct(large, list(make_grid(0.1)), 1, "exact"):
        made = {compound(large, triple.coefficients, 1) for triple in candidate.triples}
        assert made == {candidate.architecture}


def test_shortcuts_of_the_grouping_change_nothing() -> None:
    triples = list(make_grid(0.1))
    ids = {compound(B0, triple.coefficients, 0.7).id for triple in triples}
    assert {found.id for found in distinct(B0, triples, 0.7, "exact")} == ids


def test_a_candidate_is_named_by_the_product_closest_to_two() -> None:
    candidates = find_candidates(
        B0, GRID, phi=1, tolerance=exact_tolerance(0.1), constraint="nominal"
    )
    (paper,) = (one for one in candidates if Triple(120, 110, 115) in one.triples)
    assert paper.cost.macs == 992_629_472
    assert all(abs(paper.triple.product - 2) <= abs(other.product - 2) for other in paper.triples)


@pytest.mark.slow
def test_the_measured_constraint_holds_counted_macs() -> None:
    found = find_candidates(B0, GRID, phi=2, tolerance=exact_tolerance(0.1), constraint="measured")
    base = cost(B0).macs
    wanted = set()
    for triple in GRID:
        macs = cost(compound(B0, triple.coefficients, 2)).macs
        if abs((macs / base) ** 0.5 - 2) < 0.1:
            wanted.add(triple)
    assert {triple for one in found for triple in one.triples} == wanted
    assert all(one.measured_ratio == one.cost.macs / base for one in found)


def test_the_measured_constraint_names_the_smallest_tolerance_too() -> None:
    with pytest.raises(InfeasibleError, match=r"smallest --tolerance that has one is 0\.\d+"):
        find_candidates(
            B0, make_grid(0.3), phi=1, tolerance=Fraction(1, 1000), constraint="measured"
        )


def test_a_resolution_below_the_strides_is_refused() -> None:
    with pytest.raises(InputError, match="below what the strides allow"):
        find_candidates(B0, GRID, phi=-12, tolerance=exact_tolerance(0.1), constraint="nominal")

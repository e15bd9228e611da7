"""The grid is exact: what is in it, what is not, and what is said of an empty one."""

from fractions import Fraction
from itertools import product

import pytest

from effsearch.gridsearch.grid import (
    Triple,
    exact_tolerance,
    feasible_triples,
    just_above,
    make_grid,
)
from effsearch.search_spaces.errors import InfeasibleError, InputError


@pytest.mark.parametrize(
    ("step", "tolerance", "triples"),
    [
        (0.05, 0.05, 53),
        (0.05, 0.08, 84),
        (0.05, 0.1, 108),
        (0.01, 0.05, 5160),
        (0.01, 0.08, 8225),
        (0.01, 0.1, 10285),
    ],
)
def test_the_default_bounds_hold_so_many_triples(
    step: float, tolerance: float, triples: int
) -> None:
    found = feasible_triples(make_grid(step), exact_tolerance(tolerance))
    assert len(found) == len(set(found)) == triples


@pytest.mark.parametrize("tolerance", ["0.05", "0.08", "0.1"])
def test_no_feasible_triple_is_missing_and_none_is_too_many(tolerance: str) -> None:
    """Every triple of two decimals by rational arithmetic, on the step or not, feasible or not."""
    step, limit = Fraction(1, 20), Fraction(tolerance)
    alphas = [Fraction(a, 100) for a in range(100, 201)]
    others = [Fraction(b, 100) for b in range(100, 151)]
    squares = {value: value**2 for value in others}

    def on_step(value: Fraction) -> bool:
        return ((value - 1) / step).denominator == 1

    wanted = {
        Triple(int(a * 100), int(b * 100), int(g * 100))
        for a, b, g in product(
            filter(on_step, alphas), filter(on_step, others), filter(on_step, others)
        )
        if -limit < a * squares[b] * squares[g] - 2 < limit
    }
    assert set(feasible_triples(make_grid(0.05), exact_tolerance(float(tolerance)))) == wanted


@pytest.mark.slow
def test_no_feasible_triple_of_the_fine_grid_is_missing() -> None:
    """α that are feasible for a β and a γ are an interval, so its ends can be worked out."""
    low, high = Fraction(19, 10), Fraction(21, 10)
    wanted = 0
    for beta, gamma in product(range(100, 151), repeat=2):
        square = Fraction(beta * gamma, 10_000) ** 2
        wanted += sum(low < Fraction(alpha, 100) * square < high for alpha in range(100, 201))
    assert len(feasible_triples(make_grid(0.01), exact_tolerance(0.1))) == wanted


def test_the_papers_triple_needs_a_tolerance_above_0_07973() -> None:
    paper = Triple(120, 110, 115)
    assert paper.product == Fraction(192027, 100_000)
    assert paper in feasible_triples(make_grid(0.05), exact_tolerance(0.08))
    assert paper not in feasible_triples(make_grid(0.05), exact_tolerance(0.05))


def test_a_product_exactly_at_the_tolerance_is_out() -> None:
    assert Triple(190, 100, 100) not in feasible_triples(make_grid(0.05), exact_tolerance(0.1))


def test_an_empty_grid_names_the_smallest_tolerance_that_has_a_triple() -> None:
    grid = make_grid(0.3)
    with pytest.raises(InfeasibleError, match=r"smallest --tolerance that has one is 0\.1001"):
        feasible_triples(grid, exact_tolerance(0.05))
    assert feasible_triples(grid, exact_tolerance(0.1001))


@pytest.mark.parametrize(
    ("distance", "text"),
    [(Fraction(1, 10), "0.1001"), (Fraction(0), "0.0001"), (Fraction(199, 1000), "0.1991")],
)
def test_the_tolerance_named_lies_just_above_the_distance(distance: Fraction, text: str) -> None:
    assert just_above(distance) == text


@pytest.mark.parametrize(
    ("step", "bounds", "message"),
    [
        (0, {}, "step must be 0.01 or more"),
        (-0.05, {}, "step must be 0.01 or more"),
        (0.005, {}, "whole number of hundredths"),
        (float("nan"), {}, "step must be a number"),
        (0.05, {"alpha": (0.9, 2)}, "bounds of alpha start at 1 or above, not at 0.9"),
        (0.05, {"gamma": (1.4, 1.2)}, "wrong way round"),
        (0.05, {"beta": (1, 1.333)}, "whole number of hundredths"),
        (0.05, {"beta": (1, 1e9)}, "narrow the bounds, or take a larger step"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(step: float, bounds: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_grid(step, **bounds)


@pytest.mark.parametrize("tolerance", [0, -0.1, float("nan"), float("inf"), True])
def test_a_tolerance_is_above_zero_and_finite(tolerance: float) -> None:
    with pytest.raises(InputError, match="tolerance"):
        exact_tolerance(tolerance)

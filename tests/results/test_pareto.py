"""Pareto fronts against their definition."""

import math

from hypothesis import given
from hypothesis import strategies as st

from effsearch.results.pareto import cheapest_first


def test_who_is_beaten_in_both_is_not_on_the_front_and_equals_stand_together() -> None:
    assert cheapest_first([0.7, 0.6, 0.65, 0.7, 0.7], [4.0, 3.0, 5.0, 4.0, 4.5]) == [1, 0, 3]


def test_nothing_has_an_empty_front() -> None:
    assert cheapest_first([], []) == []


def test_what_has_a_nan_is_never_on_the_front() -> None:
    assert cheapest_first([math.nan, 1.0], [1.0, 9.0]) == [1]


_POINTS = st.lists(st.tuples(*2 * [st.integers(-3, 3).map(float)]), max_size=12)


@given(_POINTS)
def test_the_front_is_those_that_no_other_dominates(points: list[tuple[float, float]]) -> None:
    expected = {
        place
        for place, (accuracy, cost) in enumerate(points)
        if not any(a >= accuracy and c <= cost and (a, c) != (accuracy, cost) for a, c in points)
    }
    front = cheapest_first([a for a, _ in points], [c for _, c in points])
    assert set(front) == expected
    assert [points[place][1] for place in front] == sorted(points[place][1] for place in front)

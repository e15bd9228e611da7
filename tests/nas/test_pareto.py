"""Pareto fronts against their definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from effsearch.nas.pareto import pareto_front


def test_who_is_beaten_in_every_respect_is_not_on_the_front() -> None:
    values = np.array([[0.7, -4.0], [0.6, -3.0], [0.65, -5.0], [0.7, -4.0], [0.7, -4.5]])
    assert pareto_front(values).tolist() == [True, True, False, True, False]


def test_nothing_has_an_empty_front() -> None:
    assert pareto_front(np.zeros((0, 2))).tolist() == []


def test_a_row_with_nan_is_never_on_the_front() -> None:
    assert pareto_front(np.array([[np.nan, 9.0], [1.0, 1.0]])).tolist() == [False, True]


@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(0, 12), st.integers(1, 3)),
        elements=st.integers(-3, 3).map(float),
    )
)
def test_the_front_is_those_no_row_dominates(values: np.ndarray) -> None:
    expected = [
        not any((other >= row).all() and (other > row).any() for other in values) for row in values
    ]
    assert pareto_front(values).tolist() == expected

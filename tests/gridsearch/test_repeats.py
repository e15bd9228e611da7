"""Which networks are trained once more."""

import numpy as np
import pytest

from effsearch.gridsearch.candidates import Candidate, find_candidates
from effsearch.gridsearch.grid import exact_tolerance, make_grid
from effsearch.gridsearch.repeats import networks_to_repeat, pick
from effsearch.search_spaces.architecture import Architecture


@pytest.fixture
def candidates(tiny: Architecture) -> list[Candidate]:
    return find_candidates(
        tiny, make_grid(0.1), phi=1, tolerance=exact_tolerance(0.1), constraint="nominal"
    )


def test_half_are_the_best_expected_and_half_lie_far_from_them() -> None:
    places = np.arange(11.0)[:, None]
    expected = np.array([1, 2, 3, 4, 5, 9, 8, 4, 3, 2, 1.0])
    assert pick(expected, places, 4) == [5, 6, 0, 10]
    assert pick(expected, places, 1) == [5]


def test_no_more_are_picked_than_there_are() -> None:
    assert sorted(pick(np.array([0.1, 0.3, 0.2]), np.zeros((3, 2)), 9)) == [0, 1, 2]


def test_the_same_first_trainings_name_the_same_networks(candidates: list[Candidate]) -> None:
    first = {found.id: 0.5 + 0.01 * place for place, found in enumerate(candidates)}
    named = networks_to_repeat(candidates, first, 5)
    assert len({found.id for found in named}) == 5
    shuffled = dict(reversed(first.items()))
    assert networks_to_repeat(candidates, shuffled, 5) == named


def test_what_failed_is_not_repeated(candidates: list[Candidate]) -> None:
    first = {found.id: 0.5 for found in candidates[:3]}
    assert {found.id for found in networks_to_repeat(candidates, first, 9)} == set(first)
    assert networks_to_repeat(candidates, {}, 5) == []

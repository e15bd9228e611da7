"""The choice: the cheapest of those that cannot be told from the best."""

import numpy as np
import pytest

from effsearch.gridsearch.candidates import Candidate, find_candidates
from effsearch.gridsearch.choice import choose
from effsearch.gridsearch.grid import exact_tolerance, make_grid
from effsearch.search_spaces.zoo import load_zoo


@pytest.fixture(scope="module")
def candidates() -> list[Candidate]:
    return find_candidates(
        load_zoo("efficientnet-b0"),
        make_grid(0.05),
        phi=1,
        tolerance=exact_tolerance(0.1),
        constraint="nominal",
    )


def test_among_ties_the_cheapest_wins(candidates: list[Candidate]) -> None:
    cheap, middle, dear = candidates[0], candidates[5], candidates[-1]
    scores = {
        cheap.id: [0.2, 0.3],
        middle.id: [0.75, 0.81],
        dear.id: [0.77, 0.83],
    }
    choice = choose(candidates, scores)
    assert choice is not None
    assert (choice.winner, choice.best) == (middle, dear)
    assert choice.ties == (middle.id, dear.id)
    assert choice.method == "seeds"


def test_a_clear_best_has_no_ties(candidates: list[Candidate]) -> None:
    scores = {one.id: [0.5, 0.501, 0.499] for one in candidates}
    scores[candidates[-1].id] = [0.9, 0.901, 0.899]
    choice = choose(candidates, scores)
    assert choice is not None
    assert choice.ties == (candidates[-1].id,)


def test_single_seeds_take_the_noise_from_the_scatter_about_a_surface(
    candidates: list[Candidate],
) -> None:
    rng = np.random.default_rng(0)
    scores = {
        one.id: [0.5 + 2 * (one.triple.gamma / 100 - 1) + float(rng.normal(0, 0.02))]
        for one in candidates
    }
    choice = choose(candidates, scores)
    assert choice is not None
    assert choice.method == "surface"
    assert choice.noise == pytest.approx(0.02, rel=0.25)
    assert all(one.id not in choice.ties for one in candidates if one.triple.gamma < 115)


def test_with_too_few_single_seeds_the_best_is_taken_and_nothing_claimed(
    candidates: list[Candidate],
) -> None:
    choice = choose(candidates, {candidates[0].id: [0.6], candidates[-1].id: [0.7]})
    assert choice is not None
    assert (choice.winner, choice.method, choice.noise) == (candidates[-1], "none", None)
    assert choice.estimates[candidates[-1].id].low is None


def test_nothing_measured_is_no_choice(candidates: list[Candidate]) -> None:
    assert choose(candidates, {}) is None

"""The choice: by what a model of the surface expects, not by the cheapest tie."""

import numpy as np
import pytest

from effsearch.gridsearch.candidates import Candidate, find_candidates
from effsearch.gridsearch.choice import choose, preferred, sizes_of
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


def growing_with_resolution(
    candidates: list[Candidate], noise: float, trainings: int = 1
) -> dict[str, list[float]]:
    """Accuracies that rise by 10 points from the smallest resolution to the largest."""
    rng = np.random.default_rng(0)
    pixels = sizes_of(candidates)[:, 2]
    truth = 0.7 + 0.1 * (pixels - pixels.min()) / np.ptp(pixels)
    return {
        found.id: [float(value + rng.normal(0, noise)) for _ in range(trainings)]
        for found, value in zip(candidates, truth, strict=True)
    }


def test_the_choice_follows_the_data_where_the_cheapest_tie_would_not(
    candidates: list[Candidate],
) -> None:
    choice = choose(candidates, growing_with_resolution(candidates, 0.05))
    assert choice is not None
    assert choice.ties[0] == candidates[0].id  # 224 pixels, and ten points behind the best
    assert choice.winner.architecture.resolution >= 291


def test_the_chosen_one_is_within_a_deviation_of_the_best_expected_and_none_cheaper_is(
    candidates: list[Candidate],
) -> None:
    choice = choose(candidates, growing_with_resolution(candidates, 0.01, trainings=2))
    assert choice is not None
    assert choice.surface is not None
    expected = choice.surface.mean[: len(candidates)]
    best = int(expected.argmax())
    apart = choice.surface.deviation_of_difference(best)[: len(candidates)]
    near = [
        found
        for found, mean, far in zip(candidates, expected, apart, strict=True)
        if expected[best] - mean <= far
    ]
    assert choice.winner.cost.macs == min(found.cost.macs for found in near)


def test_accuracy_is_preferred_by_the_best_expected_one(candidates: list[Candidate]) -> None:
    choice = choose(candidates, growing_with_resolution(candidates, 0.01), "accuracy")
    assert choice is not None
    means = {id: one.mean for id, one in choice.expected.items()}
    assert choice.winner.id == max(means, key=lambda id: means[id])


def test_efficiency_is_preferred_by_accuracy_times_a_power_of_the_cost() -> None:
    # 0.80 · 2^-0.07 = 0.762 against 0.77: half the cost is worth more than three points.
    expected, macs = np.array([0.77, 0.80]), np.array([1e9, 2e9])
    assert preferred(expected, np.zeros(2), macs, "efficiency") == 0
    assert preferred(expected, np.zeros(2), macs, "accuracy") == 1
    assert preferred(expected, np.array([0.01, 0.0]), macs, "default") == 1
    assert preferred(expected, np.array([0.04, 0.0]), macs, "default") == 0


def test_few_networks_are_judged_by_their_own_trainings(candidates: list[Candidate]) -> None:
    cheap, middle, dear = candidates[0], candidates[5], candidates[-1]
    scores = {
        cheap.id: [0.2, 0.3],
        middle.id: [0.75, 0.81],
        dear.id: [0.77, 0.83],
    }
    choice = choose(candidates, scores)
    assert choice is not None
    assert choice.surface is None
    assert (choice.winner, choice.best) == (middle, dear)
    assert choice.ties == (middle.id, dear.id)
    assert choice.method == "seeds"


def test_a_clear_best_has_no_ties(candidates: list[Candidate]) -> None:
    scores = {one.id: [0.5, 0.501, 0.499] for one in candidates}
    scores[candidates[-1].id] = [0.9, 0.901, 0.899]
    choice = choose(candidates, scores)
    assert choice is not None
    assert choice.ties == (candidates[-1].id,)


def test_without_a_network_trained_twice_no_interval_is_claimed(
    candidates: list[Candidate],
) -> None:
    choice = choose(candidates, growing_with_resolution(candidates, 0.02))
    assert choice is not None
    assert choice.method == "surface"
    assert choice.noise == pytest.approx(0.02, rel=0.25)
    assert {one.low for one in choice.expected.values()} == {None}
    assert {one.low for one in choice.estimates.values()} == {None}


def test_a_few_networks_trained_twice_give_intervals(candidates: list[Candidate]) -> None:
    scores = growing_with_resolution(candidates, 0.02)
    twice = growing_with_resolution(candidates, 0.02, trainings=2)
    choice = choose(candidates, scores | {one.id: twice[one.id] for one in candidates[::13]})
    assert choice is not None
    assert choice.method == "seeds"
    believed = choice.expected[choice.winner.id]
    assert believed.low is not None
    assert believed.high is not None
    assert believed.low < believed.mean < believed.high


def test_what_matters_most_is_named_first_and_told_from_noise(candidates: list[Candidate]) -> None:
    choice = choose(candidates, growing_with_resolution(candidates, 0.005, trainings=2))
    assert choice is not None
    first = choice.sensitivities[0]
    assert (first.dimension, first.told) == ("resolution", True)
    assert first.change == pytest.approx(0.1, rel=0.2)
    assert (first.low, first.high) == pytest.approx((224, 314))


def test_with_too_few_single_seeds_the_best_is_taken_and_nothing_claimed(
    candidates: list[Candidate],
) -> None:
    choice = choose(candidates, {candidates[0].id: [0.6], candidates[-1].id: [0.7]})
    assert choice is not None
    assert (choice.winner, choice.method, choice.noise) == (candidates[-1], "none", None)
    assert choice.estimates[candidates[-1].id].low is None


def test_nothing_measured_is_no_choice(candidates: list[Candidate]) -> None:
    assert choose(candidates, {}) is None

"""Intervals that keep their promise on candidates whose true scores are known."""

import numpy as np
import pytest

from effsearch.results.statistics import compare

NOISE = 0.003


def measured(
    seed: int, candidates: int, seeds: int, spread: float
) -> tuple[np.ndarray, np.ndarray]:
    """True scores (candidates,) and measurements (candidates, seeds)."""
    rng = np.random.default_rng(seed)
    true = 0.75 + NOISE * spread * rng.standard_normal(candidates)
    return true, true[:, None] + NOISE * rng.standard_normal((candidates, seeds))


@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
def test_the_winners_interval_holds_its_true_score_nine_times_in_ten(spread: float) -> None:
    held = 0
    for seed in range(300):
        true, scores = measured(seed, candidates=5, seeds=3, spread=spread)
        best, estimates = compare(scores.tolist())
        low, high = estimates[best].low, estimates[best].high
        assert low is not None
        assert high is not None
        held += low <= true[best] <= high
    assert 0.85 <= held / 300 <= 0.95


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_the_truly_best_candidate_is_among_the_ties_nine_times_in_ten(spread: float) -> None:
    held = 0
    for seed in range(300):
        true, scores = measured(seed, candidates=8, seeds=3, spread=spread)
        held += compare(scores.tolist())[1][int(true.argmax())].tied
    assert held / 300 >= 0.9


def test_a_plain_interval_around_the_winner_would_not_hold_it() -> None:
    """The reason for the correction: the luckiest of eight equal candidates reads too high."""
    held = 0
    for seed in range(300):
        true, scores = measured(seed, candidates=8, seeds=3, spread=0.0)
        means = scores.mean(axis=1)
        margin = 1.7459 * scores.std(axis=1, ddof=1).mean() / np.sqrt(3)  # t, 16 degrees
        held += abs(means.max() - true[0]) <= margin
    assert held / 300 < 0.85


def test_a_clear_winner_has_no_ties() -> None:
    best, estimates = compare([[0.70, 0.71, 0.70], [0.90, 0.91, 0.90], [0.71, 0.70, 0.71]])
    assert best == 1
    assert [estimate.tied for estimate in estimates] == [False, True, False]


def test_one_seed_each_tells_nothing_apart() -> None:
    best, estimates = compare([[0.7], [0.9]])
    assert best == 1
    assert all(estimate.tied and estimate.low is None for estimate in estimates)


def test_a_single_candidate_has_the_t_interval() -> None:
    # Mean 0.8, deviation 0.1, two degrees of freedom: t = 2.92, margin 2.92 · 0.1 / √3 = 0.169.
    _, (estimate,) = compare([[0.7, 0.8, 0.9]])
    assert estimate.low == pytest.approx(0.8 - 0.169, abs=0.015)
    assert estimate.high == pytest.approx(0.8 + 0.169, abs=0.015)


def test_equal_scores_without_noise_are_ties() -> None:
    _, estimates = compare([[0.8, 0.8], [0.8, 0.8]])
    assert all(estimate.tied for estimate in estimates)


def test_candidates_may_have_unequal_numbers_of_seeds() -> None:
    best, estimates = compare([[0.8, 0.82, 0.81], [0.5]])
    assert best == 0
    assert not estimates[1].tied

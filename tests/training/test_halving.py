"""Successive halving: where the rungs lie, and whom they stop."""

from effsearch.training.trials.halving import Halving, rungs


def test_rungs_halve_the_epochs_down_to_one() -> None:
    assert rungs(8) == [1, 2, 4]
    assert rungs(3) == [1]
    assert rungs(1) == []


def test_nothing_is_asked_before_two_trainings_reached_a_rung() -> None:
    halving = Halving(4)
    halving.note([0.5, 0.6, 0.7, 0.8])
    assert halving.thresholds() == ()


def test_the_better_half_goes_on() -> None:
    halving = Halving(4)
    for accuracy in (0.1, 0.4, 0.3, 0.2):
        halving.note([accuracy])
    assert halving.thresholds() == ((1, 0.3),)
    halving.note([0.5, 0.9])
    halving.note([0.5, 0.7])
    assert halving.thresholds() == ((1, 0.4), (2, 0.9))

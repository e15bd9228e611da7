"""Rewards and bands, with numbers worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from effsearch.nas.objective import Objective, Target, banded_target, describe
from effsearch.search_spaces.errors import InfeasibleError, InputError


def reward(accuracy: float, macs: float, *targets: Target, **costs: float) -> float:
    return float(Objective(targets).reward(accuracy, {"macs": macs, **costs}))


@pytest.mark.parametrize(
    ("macs", "expected"),
    [(400e6, 0.75), (100e6, 0.75), (500e6, 0.6), (800e6, 0.375)],
)
def test_hard_divides_by_the_excess_above_the_target_only(macs: float, expected: float) -> None:
    assert reward(0.75, macs, banded_target("macs", 4e8)) == pytest.approx(expected, rel=1e-12)


def test_soft_trades_a_doubled_latency_for_five_percent_of_accuracy() -> None:
    target = banded_target("latency_ms", 75.0, "soft")
    base = float(Objective((target,)).reward(0.7, {"latency_ms": 75.0}))
    twice = float(Objective((target,)).reward(0.7, {"latency_ms": 150.0}))
    assert base == 0.7
    assert twice / base == pytest.approx(2**-0.07) == pytest.approx(0.9526, abs=5e-5)


def test_soft_rewards_being_below_the_target() -> None:
    soft = banded_target("macs", 4e8, "soft")
    assert reward(0.7, 2e8, soft) == pytest.approx(0.7 * 2**0.07)


@pytest.mark.parametrize(("macs", "expected"), [(4e8, 0.7), (5e8, 0.575), (3e8, 0.575)])
def test_absolute_takes_off_the_relative_distance_on_both_sides(
    macs: float, expected: float
) -> None:
    target = banded_target("macs", 4e8, "absolute")
    assert reward(0.7, macs, target) == pytest.approx(expected, rel=1e-12)


def test_several_targets_multiply() -> None:
    # EfficientNetV2: A · S^−0.07 · P^−0.05, here at twice both limits.
    time = banded_target("latency_ms", 10.0, "soft", weight=-0.07)
    size = banded_target("params", 5e6, "soft", weight=-0.05)
    got = Objective((time, size)).reward(0.8, {"latency_ms": 20.0, "params": 1e7})
    assert float(got) == pytest.approx(0.8 * 2**-0.12)


def test_absolute_terms_add_to_what_the_others_multiply() -> None:
    hard = banded_target("macs", 4e8)
    absolute = banded_target("params", 4e6, "absolute")
    assert reward(0.8, 8e8, hard, absolute, params=5e6) == pytest.approx(0.4 - 0.125)


def test_without_targets_the_reward_is_the_accuracy() -> None:
    assert float(Objective().reward(0.7, {})) == 0.7


def test_many_networks_are_rewarded_at_once() -> None:
    got = Objective((banded_target("macs", 4e8),)).reward(
        np.array([0.7, 0.8]), {"macs": np.array([4e8, 8e8])}
    )
    assert got.tolist() == pytest.approx([0.7, 0.4])


@pytest.mark.parametrize(
    ("kind", "tolerance", "floor", "low", "high"),
    [
        ("hard", None, None, 0.0, 4e8),
        ("hard", 0.05, 0.1, 3.6e8, 4.2e8),
        ("absolute", None, 1.0, 0.0, 4e8),
        ("soft", None, None, 0.0, math.inf),
        ("soft", 0.25, 0.5, 2e8, 5e8),
    ],
)
def test_the_band_follows_kind_tolerance_and_floor(
    kind: str, tolerance: float | None, floor: float | None, low: float, high: float
) -> None:
    target = banded_target("macs", 4e8, kind, tolerance=tolerance, floor=floor)  # type: ignore[arg-type]
    assert (target.low, target.high) == pytest.approx((low, high))


def test_violation_sums_what_each_target_is_missed_by() -> None:
    objective = Objective((banded_target("macs", 4e8, floor=0.1), banded_target("params", 5e6)))
    costs = {"macs": np.array([4e8, 5e8, 3.2e8]), "params": np.array([5e6, 6e6, 1e6])}
    assert objective.violation(costs).tolist() == pytest.approx([0.0, 0.45, 0.1])


@given(st.floats(0.01, 1), st.floats(1e6, 1e9), st.floats(1e6, 1e9))
def test_a_cheaper_network_of_equal_accuracy_is_never_worth_less(
    accuracy: float, one: float, other: float
) -> None:
    for kind in ("hard", "soft"):
        target = banded_target("macs", 4e8, kind)  # type: ignore[arg-type]
        assert reward(accuracy, min(one, other), target) >= reward(
            accuracy, max(one, other), target
        )


def test_a_target_out_of_reach_names_the_range() -> None:
    objective = Objective((banded_target("macs", 1e6),))
    with pytest.raises(InfeasibleError, match="the space holds"):
        objective.check_reachable({"macs": (45e6, 1.6e9)})


def test_an_unknown_cost_is_named_with_the_nearest_known_one() -> None:
    with pytest.raises(InputError, match="did you mean 'macs'"):
        Objective((banded_target("mac", 1e6),)).check_reachable({"macs": (1, 2), "params": (1, 2)})


@pytest.mark.parametrize("limit", [0.0, -5e6, math.nan, math.inf])
def test_a_limit_must_be_positive_and_finite(limit: float) -> None:
    with pytest.raises(InputError, match="above zero"):
        Target(metric="macs", limit=limit)


@pytest.mark.parametrize(
    "options",
    [{"weight": 0.07}, {"weight": math.nan}, {"tolerance": -0.1}, {"floor": 0.0}, {"floor": 1.5}],
)
def test_weights_and_bands_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError):
        banded_target("macs", 4e8, **options)  # type: ignore[arg-type]


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'hard'"):
        banded_target("macs", 4e8, "hrd")  # type: ignore[arg-type]


def test_targets_are_described_for_reading() -> None:
    assert describe(()) == "accuracy alone"
    assert describe([banded_target("macs", 4e8)]).startswith("hard macs 400")

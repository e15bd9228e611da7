"""An answer beside published networks: the difference, how sure it is, and how it is said."""

from typing import Any

import numpy as np
import pytest

from effsearch.results.conditions import Conditions
from effsearch.results.references import compare_with_references, headline

B0 = {"macs": 400e6, "params": 5e6}


def against(answer: list[float], rivals: list[list[float]], reference: list[float]) -> Any:
    (found,) = compare_with_references(
        answer, rivals, 392e6, [("efficientnet-b0", "ab12", "notation", B0, reference)]
    )
    return found


def test_a_clear_gain_is_said_with_its_interval_and_cost() -> None:
    answer = [0.977, 0.979, 0.975]
    found = against(answer, [answer, [0.970, 0.972, 0.968]], [0.920, 0.918, 0.922])
    # Pooled deviation .002 of 6 degrees of freedom; t(1 - .1/2/2, 6) = 2.4469.
    margin = 2.4469 * 0.002 * (2 / 3) ** 0.5
    assert found.difference == pytest.approx(0.057)
    assert found.difference_low == pytest.approx(0.057 - margin, abs=1e-6)
    assert found.difference_high == pytest.approx(0.057 + margin, abs=1e-6)
    assert found.headline == "+5.7 points (90%: 5.3 to 6.1) over efficientnet-b0 at 2% fewer MACs"


def test_what_cannot_be_told_apart_is_no_gain() -> None:
    answer = [0.95, 0.97]
    found = against(answer, [answer], [0.95, 0.96])
    assert found.headline.startswith("no clear difference from efficientnet-b0: +0.5 points (90%: ")


def test_a_worse_answer_is_said_plainly() -> None:
    answer = [0.900, 0.902]
    assert against(answer, [answer], [0.950, 0.952]).headline.startswith(
        "not better than efficientnet-b0: -5.0 points"
    )


def test_one_training_each_has_no_interval() -> None:
    found = against([0.9], [[0.9], [0.8]], [0.8])
    assert (found.low, found.difference_low) == (None, None)
    assert found.headline == (
        "+10.0 points against efficientnet-b0 at 2% fewer MACs, one training each: no interval"
    )


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(1.001, "equal MACs"), (0.75, "25% fewer MACs"), (1.5, "50% more MACs"), (3.0, "3.0 times")],
)
def test_costs_are_said_beside_the_references(ratio: float, said: str) -> None:
    row = {
        "difference": 0.05, "difference_low": 0.04, "difference_high": 0.06, "confidence": 0.9,
        "name": "mobilenet-v2", "macs_ratio": ratio,
    }  # fmt: skip
    assert said in headline(row)


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.05])
def test_the_interval_of_a_chosen_answer_covers_what_is_true(spread: float) -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        truth = 0.9 + spread * rng.standard_normal(5)
        seeds = truth[:, None] + 0.01 * rng.standard_normal((5, 3))
        best = int(seeds.mean(axis=1).argmax())
        reference = 0.9 + 0.01 * rng.standard_normal(3)
        found = against(list(seeds[best]), [list(row) for row in seeds], list(reference))
        covered += found.difference_low <= truth[best] - 0.9 <= found.difference_high
    assert covered / 400 >= 0.9


def test_conditions_are_one_line() -> None:
    record = {
        "data": {"name": "digits", "validation_images": 359, "classes": 10},
        "recipe": {"epochs": 4, "resolution": 16},
    }
    found = Conditions.of(record, epochs=12, seeds=2)
    assert found is not None
    assert found.sentence == (
        "on 359 held-out images of digits (10 classes) at 16 px, 12 epochs, 2 seeds"
    )
    assert Conditions.of({"data": None}) is None

"""φ for a latency: few measurements, noise, and targets out of reach."""

import numpy as np
import pytest

from effsearch.latency.scaling import scale_to_latency
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InfeasibleError, InputError
from effsearch.search_spaces.zoo import load_zoo

B0 = load_zoo("efficientnet-b0")


def _milliseconds(architecture: Architecture) -> float:
    """A device with a constant part: latency grows more slowly than multiply-adds."""
    return 3.0 + cost(architecture).macs / 4e7


@pytest.mark.parametrize("target", [6.0, 12.6, 40.0, 300.0])
def test_a_target_is_met_with_few_measurements(target: float) -> None:
    reached = scale_to_latency(B0, target, _milliseconds)
    assert abs(reached.error) < 0.03
    assert len(reached.tried) <= 10
    assert _milliseconds(reached.architecture) == reached.latency_ms


def test_the_baseline_itself_takes_one_measurement() -> None:
    reached = scale_to_latency(B0, _milliseconds(B0), _milliseconds)
    assert (reached.phi, len(reached.tried)) == (0.0, 1)
    assert reached.architecture == B0


def test_noise_does_not_lead_astray() -> None:
    rng = np.random.default_rng(0)
    reached = scale_to_latency(B0, 50.0, lambda a: _milliseconds(a) * rng.normal(1.0, 0.03))
    assert abs(_milliseconds(reached.architecture) / 50.0 - 1.0) < 0.15


def test_a_target_below_what_a_device_needs_at_least_is_out_of_reach() -> None:
    with pytest.raises(InfeasibleError, match=r"no phi reaches 0.5 ms: measured were"):
        scale_to_latency(B0, 0.5, _milliseconds)


def test_a_target_must_be_above_zero() -> None:
    with pytest.raises(InputError, match="target latency"):
        scale_to_latency(B0, 0.0, _milliseconds)

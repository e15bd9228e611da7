"""The moving average of a network's weights."""

import pytest
import torch
from torch import nn

from effsearch.training.loop.ema import WeightAverage, average_decay


@pytest.fixture
def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


def fill(network: nn.Module, value: float) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)


def test_decay_climbs_to_the_wanted_one() -> None:
    assert [average_decay(step, 0.9999) for step in (0, 8, 90)] == [0.1, 0.5, 0.91]
    assert average_decay(100_000, 0.9999) == 0.9999


def test_average_follows_weights_and_statistics_and_copies_counters(network: nn.Module) -> None:
    fill(network, 1.0)
    average = WeightAverage(network, 0.5)
    fill(network, 3.0)
    norm = network[1]
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    norm.running_mean.fill_(8.0)
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.fill_(7)
    average.update(8)  # decay (1 + 8) / (10 + 8)
    kept = average.state_dict()
    assert torch.equal(kept["0.weight"], torch.full((2, 2), 2.0))
    assert torch.equal(kept["1.running_mean"], torch.full((2,), 4.0))
    assert kept["1.num_batches_tracked"] == 7


def test_averages_are_applied_for_a_while_and_the_weights_come_back(network: nn.Module) -> None:
    fill(network, 1.0)
    average = WeightAverage(network, 0.5)
    fill(network, 3.0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with average.applied_to(network):
        assert network.state_dict()["0.weight"].unique().item() == 1.0
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_average_that_is_filled_in_again_continues_to_the_last_bit(network: nn.Module) -> None:
    whole = WeightAverage(network, 0.9)
    resumed = None
    for step in range(6):
        if step == 3:
            kept = {name: value.clone() for name, value in whole.state_dict().items()}
            resumed = WeightAverage(network, 0.9)
            for name, value in resumed.state_dict().items():
                value.copy_(kept[name])
        fill(network, 1 / (step + 3))
        for average in (whole, resumed):
            if average is not None:
                average.update(step)
    assert resumed is not None
    ends = whole.state_dict()
    assert all(torch.equal(ends[name], value) for name, value in resumed.state_dict().items())

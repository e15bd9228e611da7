"""The costs of many at once equal the costs of each."""

import numpy as np
import pytest

from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.population import METRICS, PopulationCost
from effsearch.search_spaces.space_file import load_space, parse_space, shipped_spaces

SMALL = [
    """
resolution: [16, 25]
stem: {channels: [8, 16], stride: [1, 2]}
stages:
  - block: [{op: identity}, {op: mbconv, kernel: 5, expand: 6, se: 0.25}, {op: bottleneck}]
    channels: [16, 24]
    stride: 2
    layers: [1, 2]
  - {op: [conv, fused_mbconv], channels: 16, expand: 4, skip: [none, identity, pool]}
head: {channels: [0, 32]}
""",
    """
classes: 5000
in_channels: 1
activation: [relu, silu]
stem: {channels: 4, pool: [true, false]}
stages:
  - {op: [identity, depthwise_separable], channels: [4, 8], stride: [1, 3], kernel: [1, 7]}
head: {channels: [16, 4]}
""",
]


@pytest.mark.parametrize("space", shipped_spaces())
@pytest.mark.parametrize("resolution", [None, 32, 97])
def test_population_costs_equal_single_ones(space: str, resolution: int | None) -> None:
    found = load_space(space)
    encodings = found.sample(np.random.default_rng(0), 200)
    counted = PopulationCost(found, resolution)(encodings)
    for row, encoding in enumerate(encodings):
        single = cost(found.decode(encoding), resolution)
        assert {name: counted[name][row] for name in METRICS} == vars(single)


@pytest.mark.parametrize("text", SMALL)
@pytest.mark.parametrize("resolution", [None, 9])
def test_ranges_equal_those_of_the_whole_space(text: str, resolution: int | None) -> None:
    space = parse_space(text, "small")
    costs = [cost(space.decode(encoding), resolution) for encoding in space.enumerate()]
    population = PopulationCost(space, resolution)
    for name in METRICS:
        values = [getattr(single, name) for single in costs]
        assert population.ranges[name] == (min(values), max(values))
    counted = population(np.array(list(space.enumerate())))
    for name in METRICS:
        assert counted[name].tolist() == [getattr(single, name) for single in costs]


@pytest.mark.parametrize("space", shipped_spaces())
def test_samples_lie_within_the_ranges(space: str) -> None:
    found = load_space(space)
    population = PopulationCost(found)
    counted = population(found.sample(np.random.default_rng(0), 50_000))
    for name in METRICS:
        low, high = population.ranges[name]
        assert low <= counted[name].min()
        assert counted[name].max() <= high


def test_no_candidates_have_no_costs() -> None:
    space = load_space("mnasnet")
    counted = PopulationCost(space)(np.zeros((0, len(space)), np.int64))
    assert all(counted[name].shape == (0,) for name in METRICS)

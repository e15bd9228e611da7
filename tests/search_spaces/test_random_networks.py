"""300 random networks of each shipped space against the built torch network.

fvcore traces a network, which takes a quarter of a second at 32 pixels and seconds at the space's
own resolution. So it counts a share of them, and all are counted as `counted_network` does, by
the shapes that go into the network's convolutions; the two counters are compared where both run.
Making modules is most of the work, so equal blocks of all networks are made once.
"""

from collections.abc import Callable

import numpy as np
import pytest
from counted_network import counted, shared_blocks

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.network import Network
from effsearch.search_spaces.space_file import load_space, shipped_spaces

COUNT, TRACED = 300, 12
SPACES = [name for name in shipped_spaces() if name != "mnasnet-timm"]  # a part of `mnasnet`
Build = Callable[[Architecture], Network]
Count = Callable[[Architecture, int], tuple[int, int]]


def networks(space: str, count: int) -> list[Architecture]:
    found = load_space(space)
    return [found.decode(row) for row in found.sample(np.random.default_rng(2019), count)]


@pytest.mark.slow
@pytest.mark.parametrize("space", SPACES)
def test_params_and_macs_are_those_of_the_built_network(space: str, empty_network: Build) -> None:
    for number, drawn in enumerate(networks(space, COUNT)):
        with shared_blocks():
            built = empty_network(drawn)
        # Every tenth also at the space's own resolution.
        for side in (32, drawn.resolution) if number % 10 == 0 else (32,):
            ours = cost(drawn, side)
            assert counted(built, side, drawn.in_channels) == (ours.params, ours.macs)


@pytest.mark.slow
@pytest.mark.parametrize("space", SPACES)
def test_both_are_fvcore_s(space: str, traced_counts: Count) -> None:
    first, *others = networks(space, TRACED)
    for drawn, side in [(first, first.resolution), *((other, 32) for other in others)]:
        ours = cost(drawn, side)
        assert traced_counts(drawn, side) == (ours.params, ours.macs)

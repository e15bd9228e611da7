"""300 random networks of each shipped space against the built torch network and fvcore.

fvcore traces the network, which takes a quarter of a second at 32 pixels and seconds at the
space's own resolution, so all 300 are traced at 32 and a few at their own.
"""

from collections.abc import Callable

import numpy as np
import pytest

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.space_file import load_space, shipped_spaces

COUNT, PARTS = 300, 6
Count = Callable[[Architecture, int], tuple[int, int]]


def networks(space: str) -> list[Architecture]:
    found = load_space(space)
    return [found.decode(row) for row in found.sample(np.random.default_rng(2019), COUNT)]


@pytest.mark.slow
@pytest.mark.parametrize("space", shipped_spaces())
@pytest.mark.parametrize("part", range(PARTS))
def test_params_equal_the_built_network_s_and_macs_fvcore_s(
    space: str, part: int, traced_counts: Count
) -> None:
    for network in networks(space)[part::PARTS]:
        ours = cost(network, 32)
        assert traced_counts(network, 32) == (ours.params, ours.macs)


@pytest.mark.slow
@pytest.mark.parametrize("space", shipped_spaces())
def test_both_are_equal_at_the_space_s_own_resolution(space: str, traced_counts: Count) -> None:
    for network in networks(space)[:4]:
        ours = cost(network)
        assert traced_counts(network, network.resolution) == (ours.params, ours.macs)

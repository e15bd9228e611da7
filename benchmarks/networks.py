"""Networks that several benchmarks train."""

import copy

import numpy as np
from torch import nn

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.convolution import Conv2d
from effsearch.search_spaces.population import PopulationCost
from effsearch.search_spaces.space_file import load_space

BAND = (360e6, 400e6)  # multiply-adds, where a search for 400M trains its networks


def searched_networks(count: int) -> list[Architecture]:
    """Random networks of the default space near 400M multiply-adds, always the same ones."""
    space = load_space("mnasnet")
    encodings = space.sample(np.random.default_rng(0), 20_000)
    macs = PopulationCost(space)(encodings)["macs"]
    fitting = encodings[(macs >= BAND[0]) & (macs <= BAND[1])]
    return [space.decode(row) for row in fitting[:count]]


def with_torch_convolutions(network: nn.Module) -> nn.Module:
    """A copy with the same weights."""
    found = copy.deepcopy(network)
    for module in found.modules():
        if isinstance(module, Conv2d):
            module.__class__ = nn.Conv2d
    return found

"""Entropy of the feature maps, as in DeepMAD (arXiv 2303.02165, section 3).

Of a chain of convolutions with inputs of c channels, kernels k and g groups the entropy that the
output of r × r pixels and C channels can have is taken as

    H = log(r² C) · Σ log(c k² / g)

and a network's score is the sum over its resolutions, each at its last layer, the last one with
the weight 8 and the others with 1 (the paper's weights for five resolutions). Its penalty on
depth over width is left out: the spaces here bound both.
"""

import math

from effsearch.nas.evaluators.zero_cost.score import Probe, Score, plain_chain
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.operations import block_layers
from effsearch.search_spaces.operations.layer import Convolution, MaxPool
from effsearch.search_spaces.stem_and_head import stem_layers

_LAST = 8.0


def _measure(architecture: Architecture, probe: Probe) -> float:
    chain = plain_chain(architecture)
    layers = [
        *stem_layers(chain.stem, chain.in_channels),
        *(layer for block in chain.blocks for layer in block_layers(block)),
    ]
    size, total = architecture.resolution, 0.0
    at_size: dict[int, float] = {}
    channels = architecture.in_channels
    for layer in layers:
        if isinstance(layer, Convolution):
            size, channels = -(-size // layer.stride), layer.out
            total += math.log(layer.weights / max(1, layer.experts) / layer.out)
        elif isinstance(layer, MaxPool):
            size = -(-size // layer.stride)
        at_size[size] = math.log(max(2, size**2 * channels)) * total
    *before, last = at_size.values()
    return sum(before) + _LAST * last


SCORE = Score(name="entropy", label="entropy (DeepMAD)", measure=_measure, closed_form=True)

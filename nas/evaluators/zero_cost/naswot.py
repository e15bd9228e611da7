"""NASWOT (arXiv 2006.04647, section 3): how differently a new network's units take the images.

Each image has a code of one bit a unit: whether the activation's input is above zero. The kernel
of two images is the number of units on which their codes agree, summed over all activations; the
score is the logarithm of the kernel matrix's determinant (equations 1 and 2).
"""

from typing import Any

import torch
from torch import Tensor, nn

from effsearch.nas.evaluators.zero_cost.score import Probe, Score
from effsearch.search_spaces.activations import ACTIVATIONS
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.network import build_network
from effsearch.training.recipes.seeds import build_seeded

_TYPES = tuple(getattr(nn, entry.torch) for entry in ACTIVATIONS.values())


def _measure(architecture: Architecture, probe: Probe) -> float:
    network = build_seeded(lambda: build_network(architecture, in_channels=3), probe.seed).train()
    kernel = torch.zeros(len(probe.images), len(probe.images), dtype=torch.float64)

    def watch(_module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
        nonlocal kernel
        code = (inputs[0] > 0).flatten(1).float()  # (N, units)
        ones = code.sum(1)
        # Both bits set, or none: c·c' + (1 − c)·(1 − c'), from one product.
        agreed = code.shape[1] - ones[:, None] - ones[None, :] + 2 * (code @ code.T)
        kernel = kernel + agreed.double()

    watched = [
        module.register_forward_pre_hook(watch)
        for module in network.modules()
        if isinstance(module, _TYPES)
    ]
    with torch.no_grad():
        network(probe.images)
    for hook in watched:
        hook.remove()
    return float(torch.linalg.slogdet(kernel).logabsdet)


SCORE = Score(name="naswot", label="NASWOT", measure=_measure)

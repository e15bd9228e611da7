"""Zen score (arXiv 2102.01063, algorithm 1): how far a small change of an image moves features.

Of the chain without shortcuts and squeeze-excite, all kernels drawn from N(0, 1), with images x and
x + α·ε of Gaussian noise, and f the features before pooling:

    log E|f(x) − f(x + α·ε)| + Σ log σ̄

where σ̄² is the mean over channels of the variance that a normalization divides by: what it takes
away of the expressivity is added back.
"""

from typing import Any

import torch
from torch import Tensor, nn

from effsearch.nas.evaluators.zero_cost.score import Probe, Score, plain_chain
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.network import build_network

_ALPHA = 0.01
_BATCH = 16
_NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)


def _measure(architecture: Architecture, probe: Probe) -> float:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(probe.seed)
        network = build_network(plain_chain(architecture), in_channels=3)
        deviations: list[Tensor] = []

        def watch(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
            deviations.append(inputs[0].var((0, 2, 3), unbiased=False).mean().sqrt())

        for parameter in network.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter)
        norms = [module for module in network.modules() if isinstance(module, _NORMS)]
        size = (_BATCH, 3, probe.resolution, probe.resolution)
        images, noise = torch.randn(size), torch.randn(size)
        near = network.train().features(images + _ALPHA * noise)
        watched = [norm.register_forward_pre_hook(watch) for norm in norms]
        features = network.features(images)
        for hook in watched:
            hook.remove()
        moved = (features - near).abs().sum((1, 2, 3)).mean()
        return float(moved.log() + torch.stack(deviations).log().sum())


SCORE = Score(name="zen", label="Zen score", measure=_measure)

"""Norm of the gradient of a new network's loss on one batch (arXiv 2101.08134, section 3.2)."""

import torch
import torch.nn.functional as F

from effsearch.nas.evaluators.zero_cost.score import Probe, Score
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.network import build_network
from effsearch.training.recipes.seeds import build_seeded


def _measure(architecture: Architecture, probe: Probe) -> float:
    network = build_seeded(
        lambda: build_network(architecture, classes=probe.classes, in_channels=3), probe.seed
    ).train()
    parameters = list(network.parameters())
    loss = F.cross_entropy(network(probe.images), probe.labels)
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    squares = [gradient.square().sum() for gradient in gradients if gradient is not None]
    return float(0.5 * torch.stack(squares).sum().log())


SCORE = Score(name="gradient_norm", label="log gradient norm", measure=_measure)

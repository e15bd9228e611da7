"""SynFlow (arXiv 2006.05467, section 5) as a score of networks (arXiv 2101.08134, section 3.2).

With all weights replaced by their absolute values, an image of ones, and R the sum of the outputs,
the score is Σ θ · ∂R/∂θ over all parameters; no images are looked at. Its logarithm is taken, for
it grows exponentially with depth.
"""

import torch

from effsearch.nas.evaluators.zero_cost.score import Probe, Score
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.network import build_network
from effsearch.training.recipes.seeds import build_seeded


def _measure(architecture: Architecture, probe: Probe) -> float:
    network = build_seeded(
        lambda: build_network(architecture, classes=probe.classes, in_channels=3), probe.seed
    )
    network = network.double().eval()  # in single precision deep networks leave its range
    parameters = list(network.parameters())
    with torch.no_grad():
        for parameter in parameters:
            parameter.abs_()
    side = probe.resolution
    total = network(torch.ones(1, 3, side, side, dtype=torch.float64)).sum()
    gradients = torch.autograd.grad(total, parameters, allow_unused=True)
    flow = sum(
        (parameter * gradient).sum()
        for parameter, gradient in zip(parameters, gradients, strict=True)
        if gradient is not None
    )
    return float(torch.as_tensor(flow).detach().log())


SCORE = Score(name="synflow", label="log SynFlow", measure=_measure)

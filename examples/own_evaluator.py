"""An evaluator of one's own: what you call good, for each network that the search asks about.

    effsearch baseline --target-flops 400M --evaluator examples/own_evaluator.py:evaluate

This one trains nothing. It asks how well an untrained network tells random images apart, which
takes a fraction of a second. Put your own training, simulator or server call in its place.
"""

import torch

import effsearch


def evaluate(architecture: effsearch.Architecture, seed: int) -> dict[str, float]:
    """A score from 0 to 1 in the place of an accuracy, and what else should stand in the trials.

    Args:
        architecture: the network, as data.
        seed: the trial's; the same network gets the same one.
    """
    torch.manual_seed(seed)
    network = effsearch.build_network(architecture, classes=10)
    side = min(architecture.resolution, 32)
    with torch.no_grad():
        logits = network(torch.randn(16, 3, side, side))
    likeness = torch.corrcoef(logits)
    apart = 1 - likeness[~torch.eye(16, dtype=torch.bool)].abs().mean()
    return {"accuracy": float(apart), "logit_spread": float(logits.std())}

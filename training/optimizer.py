"""The optimizer of a recipe and its learning rate at every step."""

import math

from torch import nn, optim

from training.recipe import ProxyRecipe


def make_optimizer(network: nn.Module, recipe: ProxyRecipe) -> optim.Optimizer:
    """SGD with Nesterov momentum or AdamW, fused; normalization and biases are not decayed."""
    trained = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if recipe.optimizer == "adamw":
        return optim.AdamW(groups, lr=recipe.lr, fused=True)
    return optim.SGD(
        groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.momentum > 0, fused=True
    )


def learning_rate(step: int, total_steps: int, warmup: float, peak: float) -> float:
    """Learning rate of a step in 0..total_steps−1: linear climb to ``peak``, then cosine to zero.

    Every step learns: the first one above zero, and the last one too.
    """
    climb = round(total_steps * warmup)
    if step < climb:
        return peak * (step + 1) / climb
    progress = (step - climb) / max(1, total_steps - climb)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))

"""The optimizer of a recipe."""

from torch import nn, optim

from effsearch.training.loop.rmsprop import RMSpropTF
from effsearch.training.recipes.recipe import Recipe


def make_optimizer(network: nn.Module, recipe: Recipe) -> optim.Optimizer:
    """SGD with Nesterov momentum, AdamW, or RMSProp in TensorFlow's form.

    Normalization and biases, the parameters of one dimension, are not decayed.
    """
    trained = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if recipe.optimizer == "adamw":
        return optim.AdamW(groups, lr=recipe.lr, eps=recipe.optimizer_eps or 1e-8, fused=True)
    if recipe.optimizer == "rmsprop":
        return RMSpropTF(
            groups,
            lr=recipe.lr,
            decay=recipe.rms_decay,
            momentum=recipe.momentum,
            eps=recipe.optimizer_eps or 1e-3,
        )
    return optim.SGD(
        groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.momentum > 0, fused=True
    )

"""A recipe's optimizer and what it decays."""

import pytest
import torch

from search_spaces.network import build_network
from search_spaces.zoo import load_zoo
from training.optimizer import make_optimizer
from training.recipe import Recipe
from training.rmsprop import RMSpropTF


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sgd", torch.optim.SGD), ("adamw", torch.optim.AdamW), ("rmsprop", RMSpropTF)],
)
def test_no_optimizer_decays_normalization_and_biases(name: str, kind: type) -> None:
    network = build_network(load_zoo("efficientnet-b0"))
    optimizer = make_optimizer(network, Recipe(optimizer=name, weight_decay=0.1))
    assert type(optimizer) is kind
    for group in optimizer.param_groups:
        decayed = group["weight_decay"] > 0
        assert all((weight.ndim > 1) == decayed for weight in group["params"])
    grouped = sum(len(group["params"]) for group in optimizer.param_groups)
    assert grouped == len(list(network.parameters()))


def test_rmsprop_has_the_recipes_numbers_and_tensorflows_epsilon() -> None:
    recipe = Recipe(optimizer="rmsprop", lr=0.016, rms_decay=0.8, momentum=0.7)
    (group,) = make_optimizer(torch.nn.Linear(2, 2, bias=False), recipe).param_groups
    assert (group["lr"], group["decay"], group["momentum"], group["eps"]) == (0.016, 0.8, 0.7, 1e-3)

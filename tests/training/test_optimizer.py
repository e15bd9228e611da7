"""A recipe's optimizer and what it decays."""

import pytest
import torch

from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.loop.optimizer import make_optimizer
from effsearch.training.loop.optimizer_state import (
    optimizer_numbers,
    optimizer_tensors,
    restore_optimizer,
)
from effsearch.training.loop.rmsprop import RMSpropTF
from effsearch.training.recipes.recipe import Recipe


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


@pytest.mark.parametrize("name", ["sgd", "adamw", "rmsprop"])
def test_a_restored_state_lies_where_the_weights_do(name: str) -> None:
    trained, resumed = torch.nn.Linear(2, 3), torch.nn.Linear(2, 3, device="meta")
    recipe = Recipe(optimizer=name)
    before, after = make_optimizer(trained, recipe), make_optimizer(resumed, recipe)
    trained(torch.ones(1, 2)).sum().backward()
    before.step()
    kept = optimizer_tensors(before, trained)
    restore_optimizer(after, resumed, kept, optimizer_numbers(before, trained))

    restored = optimizer_tensors(after, resumed)
    # AdamW's count of steps too: its fused kernel reads it on the device.
    assert kept.keys() == restored.keys()
    assert {tensor.device.type for tensor in restored.values()} == {"meta"}

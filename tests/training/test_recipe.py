"""The recipe: its ranges, its defaults by dataset, its learning rate and its optimizer."""

import itertools
import math

import pytest
from torch import nn

from search_spaces.errors import InputError
from training.optimizer import learning_rate, make_optimizer
from training.recipe import ProxyRecipe, proxy_recipe


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("epochs", 0),
        ("batch_size", 1),
        ("lr", 0.0),
        ("lr", math.nan),
        ("lr", math.inf),
        ("momentum", 1.0),
        ("weight_decay", -1e-4),
        ("warmup", 1.0),
        ("label_smoothing", -0.1),
        ("shift", -1),
        ("validation", 0.0),
        ("validation", 1.0),
        ("resolution", 0),
        ("norm_momentum", 0.0),
        ("threads", 0),
    ],
)
def test_value_out_of_range_is_refused_by_name(option, value):
    with pytest.raises(InputError, match=option):
        proxy_recipe("digits", {option: value})


@pytest.mark.parametrize(
    ("option", "value", "nearest"),
    [("precision", "bf61", "bf16"), ("optimizer", "adam", "adamw"), ("epoch", 1, "epochs")],
)
def test_unknown_word_names_the_nearest(option, value, nearest):
    with pytest.raises(InputError, match=f"did you mean '{nearest}'"):
        proxy_recipe("digits", {option: value})


def test_digits_are_never_mirrored_and_photographs_are():
    assert not proxy_recipe("digits").flip
    assert proxy_recipe("cifar10").flip


def test_options_go_over_the_defaults():
    recipe = proxy_recipe("digits", {"epochs": 7, "resolution": None})

    assert (recipe.epochs, recipe.resolution, recipe.flip) == (7, None, False)


def test_learning_rate_climbs_and_then_falls_along_a_cosine():
    rates = [learning_rate(step, 10, 0.2, 1.0) for step in range(10)]

    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[6] == pytest.approx(0.5)
    assert rates[9] == pytest.approx(0.5 * (1 + math.cos(math.pi * 7 / 8)))
    assert all(a >= b > 0 for a, b in itertools.pairwise(rates[1:]))


def test_learning_rate_without_warm_up_starts_at_its_peak():
    assert learning_rate(0, 1, 0.0, 0.3) == 0.3


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_norm_and_bias_are_not_decayed(name):
    network = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8))
    optimizer = make_optimizer(network, ProxyRecipe(optimizer=name, weight_decay=0.01))
    decayed, free = optimizer.param_groups

    assert decayed["weight_decay"] == 0.01
    assert [p.ndim for p in decayed["params"]] == [4]
    assert free["weight_decay"] == 0.0
    assert [p.ndim for p in free["params"]] == [1, 1, 1]

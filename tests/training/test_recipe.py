"""The recipe: its ranges, and its defaults by dataset."""

import math

import pytest

from effsearch.search_spaces.errors import InputError
from effsearch.training.recipes.recipe import batch_for, holds_characters, proxy_recipe


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
        ("validation", -0.1),
        ("crop_scale", 0.0),
        ("magnitude", 31),
        ("ema_decay", 1.0),
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


@pytest.mark.parametrize("name", ["digits", "hf:ylecun/mnist", "data/emnist-letters/", "SVHN"])
def test_datasets_of_characters_are_known_by_their_names(name):
    assert holds_characters(name)
    assert not proxy_recipe(name).flip


@pytest.mark.parametrize("name", ["hf:zalando/fashion_mnist", "cifar10", "mnist/photos", "."])
def test_other_datasets_are_mirrored(name):
    assert not holds_characters(name)
    assert proxy_recipe(name).flip


def test_digits_are_never_mirrored_and_photographs_are():
    assert not proxy_recipe("digits").flip
    assert proxy_recipe("cifar10").flip


def test_options_go_over_the_defaults():
    recipe = proxy_recipe("digits", {"epochs": 7, "resolution": None})

    assert (recipe.epochs, recipe.resolution, recipe.flip) == (7, None, False)


@pytest.mark.parametrize(
    ("images", "batch_size", "wanted"),
    [(1_150, 48, 48), (102, 256, 8), (102, 64, 8), (400, 64, 20), (50_000, 256, 256), (2, 64, 8)],
)
def test_a_batch_follows_the_number_of_images(images: int, batch_size: int, wanted: int) -> None:
    assert batch_for(images, batch_size) == wanted

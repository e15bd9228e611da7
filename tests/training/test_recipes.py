"""The recipes that have a name, and files of one's own."""

from pathlib import Path
from typing import Any

import pytest

from effsearch.search_spaces.errors import InputError
from effsearch.training.recipes import family_dropout, named_recipe, recipe_names
from effsearch.training.recipes.recipe import Recipe, proxy_recipe


def test_efficientnet_is_the_papers() -> None:
    recipe = named_recipe("efficientnet", "imagenet")
    assert (recipe.optimizer, recipe.rms_decay, recipe.momentum) == ("rmsprop", 0.9, 0.9)
    assert (recipe.optimizer_eps, recipe.weight_decay, recipe.norm_momentum) == (1e-3, 1e-5, 0.01)
    assert (recipe.lr, recipe.lr_images, recipe.epochs) == (0.016, 256, 350)
    assert (recipe.label_smoothing, recipe.policy, recipe.ema_decay) == (0.1, "autoaugment", 0.9999)
    assert recipe.drop_path == pytest.approx(1 - 0.8)


def test_modern_is_torchvisions() -> None:
    recipe = named_recipe("modern", "imagenet")
    assert (recipe.optimizer, recipe.lr, recipe.lr_images) == ("sgd", 0.5, 1024)
    assert (recipe.policy, recipe.erasing, recipe.mixup, recipe.cutmix) == (
        "trivialaugment",
        0.1,
        0.2,
        1.0,
    )
    assert (recipe.weight_decay, recipe.label_smoothing, recipe.epochs) == (2e-5, 0.1, 600)


def test_all_named_recipes_load_for_any_data() -> None:
    assert recipe_names() == ("efficientnet", "finetune", "modern", "progressive", "proxy")
    for name in recipe_names():
        assert named_recipe(name, "somewhere").epochs >= 1
        for characters in ("digits", "hf:ylecun/mnist"):
            recipe = named_recipe(name, characters)
            assert (recipe.flip, recipe.policy) == (False, "none")
            assert (recipe.crop_scale, recipe.cutmix, recipe.erasing) == (1, 0, 0)


def test_the_proxy_recipe_is_the_searchs() -> None:
    assert named_recipe("proxy", "digits") == proxy_recipe("digits")
    assert named_recipe("proxy", "elsewhere") == Recipe()


def test_dropout_grows_with_the_family() -> None:
    assert [family_dropout(b) for b in range(8)] == [0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5]
    assert (family_dropout(-1), family_dropout(2.6)) == (0.2, 0.3)


def test_a_file_is_taken_as_it_is_and_options_go_over_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("epochs: 7\nflip: true\n")
    recipe = named_recipe(str(path), "digits", {"lr": 0.3})
    assert (recipe.epochs, recipe.flip, recipe.lr) == (7, True, 0.3)


def test_a_file_mirrors_characters_only_where_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("epochs: 7\n")
    assert not named_recipe(str(path), "digits").flip
    assert named_recipe(str(path), "photographs").flip


def test_progressive_ends_where_four_phases_have_grown_to() -> None:
    recipe = named_recipe("progressive", "imagenet")
    assert (recipe.phases, recipe.policy) == (4, "randaugment")
    assert recipe.first_resolution == pytest.approx(128 / 300)
    assert (recipe.first_magnitude, recipe.magnitude) == (5, 15)
    assert (recipe.first_mixup, recipe.mixup) == (0, 0.2)
    assert (recipe.first_dropout, recipe.dropout) == (0.1, 0.3)


def test_finetune_is_short_and_slow() -> None:
    recipe = named_recipe("finetune", "flowers")
    assert recipe.epochs <= 20
    assert recipe.lr / (recipe.lr_images or 1) < 0.5 / 1024
    assert (recipe.policy, recipe.mixup, recipe.cutmix) == ("none", 0, 0)


def test_what_cannot_be_a_recipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- 1\n")
    (tmp_path / "odd.yaml").write_text("learning_speed: 1\n")
    for name, said in (
        ("modrn", "did you mean 'modern'"),
        (str(tmp_path / "none.yaml"), "cannot be read"),
        (str(tmp_path / "list.yaml"), "mapping"),
        (str(tmp_path / "odd.yaml"), "recipe option 'learning_speed'"),
    ):
        with pytest.raises(InputError, match=said):
            named_recipe(name, "digits")


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({"learning_rate": 0.1}, "lr", 0.1),
        ({"batch-size": 8}, "batch_size", 8),
        ({"wd": 0.01}, "weight_decay", 0.01),
        ({"warmup-epochs": 2}, "warmup_epochs", 2),
        ({"LR": 0.2}, "lr", 0.2),
    ],
)
def test_an_option_is_found_by_the_names_it_has_elsewhere(
    options: dict[str, Any], name: str, value: float
) -> None:
    assert getattr(named_recipe("modern", "digits", options), name) == value
    assert getattr(named_recipe("proxy", "digits", options), name) == value


def test_an_option_given_by_two_of_its_names_is_refused() -> None:
    with pytest.raises(InputError, match="recipe option lr is given twice, once as learning_rate"):
        named_recipe("modern", "digits", {"lr": 0.1, "learning_rate": 0.2})


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("lerning_rate", "lr"), ("wieght_decay", "weight_decay"), ("scheduller", "schedule")],
)
def test_a_misspelt_option_is_answered_with_the_one_meant(misspelt: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"did you mean '{meant}'"):
        named_recipe("modern", "digits", {misspelt: 1})

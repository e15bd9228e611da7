"""A recipe by name or from a file, with what its dataset needs, and options over both."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.text_file import parse_yaml, read_text_file
from effsearch.training.recipes.recipe import Recipe, by_own_names, holds_characters, proxy_recipe

_FOLDER = Path(__file__).parent

# Written characters lose their meaning when they are mirrored, turned far (6 and 9) or cut.
CHARACTER_NEEDS: dict[str, Any] = {
    "flip": False,
    "policy": "none",
    "crop_scale": 1.0,
    "cutmix": 0.0,
    "erasing": 0.0,
}
# What a dataset needs different from a recipe, whichever it is. Digits are 1,150 images: too few
# for hundreds of epochs, large batches and slow averages of normalization.
DATASET_NEEDS: dict[str, dict[str, Any]] = {
    "digits": {
        "epochs": 20,
        "batch_size": 32,
        "mixup": 0.0,
        "first_mixup": None,
        "norm_momentum": 0.1,
    },
}
# Besides, for one recipe. Measured on EfficientNet-B0 from scratch, 5 epochs of digits at 16 px,
# validation accuracy: 0.95 and 0.93 (two seeds) with these, at most 0.74 where the gradient is not
# clipped (AdamW at 0.002 or 0.004), 0.62 with stochastic depth besides.
RECIPE_NEEDS: dict[tuple[str, str], dict[str, Any]] = {
    ("modern", "digits"): {
        "optimizer": "adamw",
        "lr": 0.004,
        "lr_images": None,
        "weight_decay": 0.01,
        "gradient_clip": 1.0,
        "drop_path": 0.0,
        "ema_decay": 0.95,
    },
}


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with the program."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def named_recipe(
    name_or_path: str, dataset: str, options: Mapping[str, Any] | None = None
) -> Recipe:
    """A recipe with what a dataset needs over it, and ``options`` over both.

    Args:
        name_or_path: one of `recipe_names`, or a YAML file of recipe options, which is taken as
            it is, but that characters are mirrored only where it says so.
        dataset: name or path of the data, such as `digits`. Datasets of written digits or letters
            (see `holds_characters`) are not mirrored, turned, cut, mixed by regions or erased.

    Raises:
        InputError: an unknown recipe or option (the nearest one is named), a file that cannot be
            read, or a value out of range.
    """
    if name_or_path == "proxy":
        return proxy_recipe(dataset, options)
    if name_or_path in recipe_names():
        values = _read(_FOLDER / f"{name_or_path}.yaml")
        values |= CHARACTER_NEEDS if holds_characters(dataset) else {}
        values |= DATASET_NEEDS.get(dataset, {}) | RECIPE_NEEDS.get((name_or_path, dataset), {})
    elif Path(name_or_path).suffix in (".yaml", ".yml"):
        values = {"flip": not holds_characters(dataset)} | _read(Path(name_or_path))
    else:
        problem = unknown_name("recipe", name_or_path, recipe_names())
        raise InputError(f"{problem}, or a YAML file")
    values |= by_own_names(options)
    return replace(Recipe(resolution=None), **values)


def family_dropout(member: float) -> float:
    """Dropout of EfficientNet-B`member`, or of the member that is scaled by φ = `member`.

    .2 for B0 and B1, .3 for B2 and B3, .4 for B4 and B5, .5 from B6 on.
    """
    return round(min(0.5, 0.2 + 0.1 * max(0, int(member) // 2)), 1)


def _read(path: Path) -> dict[str, Any]:
    values = parse_yaml(read_text_file(path, "recipe"), f"recipe '{path}'")
    if not isinstance(values, dict):
        raise InputError(f"recipe '{path}' must be a mapping of option names to values")
    return by_own_names(values)

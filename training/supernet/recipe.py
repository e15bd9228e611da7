"""How a supernet is trained, as data: which networks a step takes, and what they learn from.

A YAML file each beside this one; `training` of it are options of an ordinary recipe.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.text_file import parse_yaml, read_text_file
from effsearch.training.recipes.recipe import Recipe, by_own_names, proxy_recipe

SAMPLINGS = ("uniform", "fair", "sandwich")
DEFAULT_RECIPE = "single_path"
_FOLDER = Path(__file__).parent
_REFUSED = {"ema_decay": 0.0, "accumulate": 1, "compile": False, "phases": 1, "drop_path": 0.0}


@dataclass(frozen=True, kw_only=True)
class SupernetRecipe:
    """How a supernet is trained.

    Attributes:
        sampling: `uniform` over encodings (single path, arXiv 1904.00420, section 3.2); `fair`,
            each option of a choice equally often (FairNAS, arXiv 1907.01845, section 3.2);
            `sandwich`, the largest, the smallest and random ones between (arXiv 1903.05134,
            section 3.1).
        networks: whose gradients are added up in a step, 1 or more; of a sandwich 2 or more.
        distillation: all networks of a step but the first learn what the first one answers (in
            place, BigNAS, arXiv 2003.11142, section 3.1); for a sandwich.
        band: networks of the cost band alone, where a search has one.
        kernel_transform: smaller kernels are a learned map of the larger one's centre.
        calibration_images: training images that normalization is recalibrated on, 2 or more.
        training: the ordinary recipe, of one pass over the images an epoch.
    """

    sampling: str = "uniform"
    networks: int = 1
    distillation: bool = False
    band: bool = True
    kernel_transform: bool = False
    calibration_images: int = 256
    training: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        if self.sampling not in SAMPLINGS:
            raise unknown_name("sampling of a supernet", self.sampling, SAMPLINGS)
        for name, least in (("networks", 1), ("calibration_images", 2)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise InputError(f"{name} must be a whole number of at least {least}, not {value}")
        for name in ("distillation", "band", "kernel_transform"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if self.sampling == "sandwich" and self.networks < 2:
            raise InputError(
                "a sandwich has a largest and a smallest network: networks is 2 or more"
            )
        if self.distillation and self.sampling != "sandwich":
            raise InputError("distillation needs the largest network in every step: a sandwich")
        for name, only in _REFUSED.items():
            if getattr(self.training, name) != only:
                raise InputError(f"a supernet is trained without {name}: leave it at {only}")
        if not self.training.validation:
            raise InputError("networks are compared by held-out images: give validation a share")


# What a dataset needs for the shared weights to settle, by its name.
DATASET_EPOCHS = {"digits": 20}
DEFAULT_EPOCHS = 30


def supernet_recipes() -> tuple[str, ...]:
    """The recipes that come with the program."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def supernet_recipe(
    name_or_path: str,
    dataset: str,
    options: Mapping[str, Any] | None = None,
    epochs: int | None = None,
) -> SupernetRecipe:
    """A recipe by name or from a YAML file.

    Args:
        name_or_path: one of `supernet_recipes`, or a file.
        dataset: what it is trained on; its needs are those of short trainings.
        options: of the training, over what the dataset needs and under the file's: those of a
            search's short trainings, of which epochs and what supernets are trained without are
            left out.
        epochs: of the supernet, over everything.

    Raises:
        InputError: an unknown recipe or option (the nearest one is named), a file that cannot be
            read, or values that do not go together.
    """
    name = name_or_path.replace("-", "_")
    if name in supernet_recipes():
        path = _FOLDER / f"{name}.yaml"
    elif Path(name_or_path).suffix in (".yaml", ".yml"):
        path = Path(name_or_path)
    else:
        problem = unknown_name("recipe of a supernet", name_or_path, supernet_recipes())
        raise InputError(f"{problem}, or a YAML file")
    document = parse_yaml(read_text_file(path, "recipe"), f"recipe '{path}'")
    if not isinstance(document, dict):
        raise InputError(f"recipe '{path}' must be a mapping of option names to values")
    known = {item.name for item in fields(SupernetRecipe)}
    for key in document:
        if key not in known:
            raise unknown_name("option of a supernet's recipe", key, known)
    training = document.pop("training", {}) or {}
    if not isinstance(training, dict):
        raise InputError(f"recipe '{path}': training must be a mapping of a recipe's options")
    left_out = ("epochs", *_REFUSED)
    given = {key: value for key, value in by_own_names(options).items() if key not in left_out}
    base = replace(proxy_recipe(dataset, given), epochs=DATASET_EPOCHS.get(dataset, DEFAULT_EPOCHS))
    chosen = replace(base, **by_own_names(training))
    if epochs is not None:
        chosen = replace(chosen, epochs=epochs)
    return SupernetRecipe(**document, training=chosen)

"""How a supernet is trained, as data: which networks a step takes, and what they learn from.

A YAML file each beside this one; `training` of it are options of an ordinary recipe.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.text_file import parse_yaml, read_text_file
from effsearch.training.recipes.recipe import Recipe, by_own_names, proxy_recipe

SAMPLINGS = ("uniform", "fair", "sandwich")
_FOLDER = Path(__file__).parent
_REFUSED = {
    "ema_decay": 0.0,
    "accumulate": 1,
    "compile": False,
    "cuda_graph": False,
    "phases": 1,
    "drop_path": 0.0,
}


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
        blockwise: each stage learns by itself what a teacher's stage makes of the same feature
            maps, before whole networks are trained (DNA, arXiv 1911.13053, section 3); see
            `effsearch.training.supernet.blockwise`.
        teachers: of a blockwise training, networks that are tried as the teacher, 1 or more.
        teacher_share: of its steps, those the teacher is looked for and trained in, above 0.
        joint_share: of its steps, those at the end that train whole networks, above 0.
        stage_lr, joint_lr: AdamW's highest learning rate for stages and for whole networks; the
            teacher learns by `training`.
        calibration_images: training images that normalization is recalibrated on, 2 or more.
        training: the ordinary recipe, of one pass over the images an epoch.
    """

    sampling: str = "uniform"
    networks: int = 1
    distillation: bool = False
    band: bool = True
    kernel_transform: bool = False
    blockwise: bool = False
    teachers: int = 4
    teacher_share: float = 0.3
    joint_share: float = 0.35
    stage_lr: float = 0.01
    joint_lr: float = 0.004
    calibration_images: int = 256
    training: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        if self.sampling not in SAMPLINGS:
            raise unknown_name("sampling of a supernet", self.sampling, SAMPLINGS)
        for name, least in (("networks", 1), ("calibration_images", 2), ("teachers", 1)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise InputError(f"{name} must be a whole number of at least {least}, not {value}")
        for name in ("distillation", "band", "kernel_transform", "blockwise"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if self.sampling == "sandwich" and self.networks < 2:
            raise InputError(
                "a sandwich has a largest and a smallest network: networks is 2 or more"
            )
        if self.distillation and self.sampling != "sandwich":
            raise InputError("distillation needs the largest network in every step: a sandwich")
        self._check_blockwise()
        for name, only in _REFUSED.items():
            if getattr(self.training, name) != only:
                raise InputError(f"a supernet is trained without {name}: leave it at {only}")
        if not self.training.validation:
            raise InputError("networks are compared by held-out images: give validation a share")

    def _check_blockwise(self) -> None:
        for name in ("teacher_share", "joint_share", "stage_lr", "joint_lr"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
                raise InputError(f"{name} must be a number between 0 and 1, not {value!r}")
        if self.teacher_share + self.joint_share >= 1:
            raise InputError("teacher_share and joint_share leave no step for the stages")
        if self.blockwise and self.sampling == "sandwich":
            raise InputError(
                "a blockwise training has a teacher already: its sampling is uniform or fair"
            )


# What a dataset needs for the shared weights to settle, by its name.
DATASET_EPOCHS = {"digits": 20}
DEFAULT_EPOCHS = 30


def default_recipe(space: SearchSpace) -> str:
    """The recipe for a space where none is named: `blockwise`, or where its stages cannot learn
    one by one `single_path`."""
    return "single_path" if why_not_blockwise(space) else "blockwise"


def why_not_blockwise(space: SearchSpace) -> str:
    """What of a space keeps its stages from learning one by one; empty where nothing does.

    A stage learns on feature maps of the teacher's sizes, so no choice may change them.
    """
    for section in space.sections[1:-1]:
        for name in ("stride", "pool"):
            values = {repr(local.get(name)) for local in space.local_options(section)}
            if len(values) > 1:
                return f"{section} of space '{space.name}' has a choice of {name}"
    return ""


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

"""A training recipe as data: everything but the data and the device that decides the result.

The defaults are a proxy's, a candidate network trained for a few epochs; `training.loop.recipes`
holds the named ones. What changes an accuracy stands here, so that a run's config repeats it.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import PurePath
from typing import Any

from effsearch.search_spaces.errors import InputError, unknown_name

PRECISIONS = ("auto", "fp32", "bf16")
OPTIMIZERS = ("sgd", "adamw", "rmsprop")
SCHEDULES = ("cosine", "exponential")
POLICIES = ("none", "autoaugment", "randaugment", "trivialaugment")
_SHARES = (
    *("momentum", "rms_decay", "warmup", "ema_decay", "label_smoothing", "validation"),
    *("dropout", "first_dropout", "drop_path"),
)
_POSITIVE_SHARES = ("norm_momentum", "crop_scale", "crop_ratio", "decay_rate", "first_resolution")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: passes over the training images, 1 or more.
        batch_size: images a batch, 2 or more (batch normalization needs two).
        accumulate: batches whose gradients are summed into one step, 1 or more.
        optimizer: ``sgd`` (Nesterov momentum), ``adamw``, or ``rmsprop`` in TensorFlow's form.
        lr: peak learning rate, above 0.
        lr_images: images a step that ``lr`` is meant for, 1 or more: other amounts scale it
            linearly; None takes it as it is.
        momentum: of ``sgd`` and ``rmsprop``, in [0, 1).
        rms_decay: of the square average of ``rmsprop``, in [0, 1).
        optimizer_eps: of ``adamw`` and ``rmsprop``, above 0; None for 1e-8 and 1e-3.
        weight_decay: 0 or more; normalization and biases are never decayed.
        schedule: after the warm-up ``cosine`` to zero, or ``exponential``.
        decay_rate: factor of ``exponential``, in (0, 1], once every ``decay_epochs``, above 0.
        warmup: share of all steps the learning rate climbs for, in [0, 1).
        warmup_epochs: the same in epochs, 0 or more, over ``warmup`` where given.
        ema_decay: of the moving average of the weights that is validated and kept, in [0, 1); 0
            for none. The decay of update t is at most (1 + t) / (10 + t), for short trainings.
        dropout: in front of the classifier, in [0, 1).
        drop_path: stochastic depth of the last block, in [0, 1), growing linearly from none.
        label_smoothing: in [0, 1).
        gradient_clip: largest norm of the gradient; 0 leaves it as it is.
        crop_scale: smallest share of the area that random resized crops keep, in (0, 1]; 1 takes
            whole images.
        policy: ``none``, ``autoaugment``, ``randaugment`` or ``trivialaugment``.
        magnitude: of ``randaugment``, 0 to 30.
        mixup, cutmix: α of the Beta distribution that the share is drawn from; 0 for none.
        erasing: probability that a rectangle is erased, in [0, 1].
        phases: parts that a progressive training falls into, 1 or more. In the first the four
            values below hold, in the last the recipe's own, linear between (EfficientNetV2, §4).
        first_magnitude, first_mixup, first_dropout: None for the recipe's own.
        first_resolution: share of the training's own, in (0, 1]; None for all of it. A share,
            so that small images grow as large ones do.
        crop_ratio: of evaluation, in (0, 1]: the shorter side is resized to resolution /
            crop_ratio, and the centre cropped.
        flip: mirror images at random; never for digits or letters.
        shift: largest random move of an image in pixels, 0 or more; trainings of a hundred
            steps learn slower with it.
        validation: share of the training part that is validated on, in [0, 1); 0 trains on all.
        split_seed: of the validation split; one for all networks of a search.
        resolution: side of the images in pixels; None keeps the dataset's own.
        precision: ``auto`` is bf16 where a CUDA device has it, fp32 elsewhere.
        norm_momentum: of batch normalization in torch's sense, in (0, 1]. The published 0.01
            needs some hundred steps to settle, which a proxy does not have.
        threads: CPU threads of one training; it can change the last bits of a result.
        compile: whether torch compiles the network, which takes minutes on a CPU.
        cuda_graph: whether a pass of the network is captured once on a CUDA device and replayed,
            which saves small networks their launches; elsewhere, and in a team, it changes
            nothing. Not with ``compile`` or ``accumulate``.
    """

    epochs: int = 3
    batch_size: int = 64
    accumulate: int = 1
    optimizer: str = "sgd"
    lr: float = 0.01
    lr_images: int | None = None
    momentum: float = 0.9
    rms_decay: float = 0.9
    optimizer_eps: float | None = None
    weight_decay: float = 5e-4
    schedule: str = "cosine"
    decay_rate: float = 0.97
    decay_epochs: float = 2.4
    warmup: float = 0.2
    warmup_epochs: float | None = None
    ema_decay: float = 0.0
    dropout: float = 0.0
    drop_path: float = 0.0
    label_smoothing: float = 0.1
    gradient_clip: float = 0.0
    flip: bool = True
    shift: int = 0
    crop_scale: float = 1.0
    policy: str = "none"
    magnitude: float = 9.0
    mixup: float = 0.0
    cutmix: float = 0.0
    erasing: float = 0.0
    phases: int = 1
    first_resolution: float | None = None
    first_magnitude: float | None = None
    first_mixup: float | None = None
    first_dropout: float | None = None
    crop_ratio: float = 0.875
    validation: float = 0.2
    split_seed: int = 0
    resolution: int | None = 32
    precision: str = "auto"
    norm_momentum: float = 0.1
    threads: int = 1
    compile: bool = False
    cuda_graph: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None or "None" not in str(field.type):
                _check_type(field.name, value, _wanted(field.name, field.default))
        _at_least(self, 1, "epochs", "threads", "accumulate", "phases")
        _at_least(self, 1, "resolution", "lr_images")
        _at_least(self, 2, "batch_size")
        _at_least(self, 0, "shift", "weight_decay", "gradient_clip", "split_seed")
        _at_least(self, 0, "mixup", "cutmix", "first_mixup", "warmup_epochs")
        _inside(self, lambda x: x > 0, "above 0", "lr", "decay_epochs", "optimizer_eps")
        _inside(self, lambda x: 0 <= x < 1, "in [0, 1)", *_SHARES)
        _inside(self, lambda x: 0 < x <= 1, "in (0, 1]", *_POSITIVE_SHARES)
        _inside(self, lambda x: 0 <= x <= 1, "in [0, 1]", "erasing")
        _inside(self, lambda x: 0 <= x <= 30, "0 to 30", "magnitude", "first_magnitude")
        for name, known in (
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("policy", POLICIES),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)
        if self.cuda_graph and (self.compile or self.accumulate > 1):
            other = "compile" if self.compile else "accumulate"
            raise InputError(f"recipe options cuda_graph and {other} exclude each other: give one")


OTHER_NAMES = {
    "learning_rate": "lr",
    "num_epochs": "epochs",
    "wd": "weight_decay",
    "opt": "optimizer",
    "scheduler": "schedule",
    "lr_schedule": "schedule",
    "smoothing": "label_smoothing",
    "dropout_rate": "dropout",
    "stochastic_depth": "drop_path",
    "drop_path_rate": "drop_path",
    "drop_connect": "drop_path",
    "clip_grad": "gradient_clip",
    "grad_clip": "gradient_clip",
    "random_erasing": "erasing",
    "mixup_alpha": "mixup",
    "cutmix_alpha": "cutmix",
    "crop_pct": "crop_ratio",
    "image_size": "resolution",
    "img_size": "resolution",
    "grad_accum": "accumulate",
    "grad_accum_steps": "accumulate",
    "bn_momentum": "norm_momentum",
}
"""What the options are called elsewhere, timm's names among them."""


def by_own_names(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Options of a recipe by its fields' names, however they were called.

    Raises:
        InputError: an option nobody knows (the nearest one is named), or one given twice.
    """
    known = {field.name for field in fields(Recipe)}
    named: dict[str, Any] = {}
    for given, value in (options or {}).items():
        plain = given.replace("-", "_").lower()
        name = OTHER_NAMES.get(plain, plain)
        if name not in known:
            raise unknown_name("recipe option", plain, known, OTHER_NAMES)
        if name in named:
            raise InputError(f"recipe option {name} is given twice, once as {given}: give one")
        named[name] = value
    return named


# What a dataset needs different from the defaults above, by its name.
# Digits, measured on networks near 400M MACs of the `mnasnet` space, one CPU thread: 4.6 s a
# network, mean accuracy 0.60 (0.27 to 0.86), deviation 0.27 between networks and 0.05 between
# seeds (five networks, two seeds).
DATASET_OPTIONS: dict[str, dict[str, Any]] = {
    "digits": {
        "batch_size": 48,
        "lr": 0.005,
        "weight_decay": 1e-4,
        "flip": False,
        "resolution": 16,
    },
}

_FEWEST_STEPS, _SMALLEST_BATCH = 20, 8

# Words in the names of datasets of written characters.
_WRITTEN = {"digits", "letters", "mnist", "emnist", "kmnist", "qmnist", "omniglot", "svhn"}

# What trainings of scaled networks need besides: grown networks learn slower, and with the options
# above deeper ones would differ by how far three epochs take them and by little else. Digits,
# measured on a searched 387M network at φ = 1, mean of two seeds: 0.81 where the options above
# give 0.52 (α 1.2, β 1.1, γ 1.15), and 0.66 for 0.25 (α 1.45, β 1.05, γ 1.1).
SCALING_OPTIONS: dict[str, dict[str, Any]] = {
    "digits": {"batch_size": 32, "optimizer": "adamw", "lr": 0.002, "weight_decay": 0.01},
}


def proxy_recipe(dataset: str, options: Mapping[str, Any] | None = None) -> Recipe:
    """The default recipe for a dataset, with ``options`` over it; characters are not mirrored.

    Raises:
        InputError: an option nobody knows (the nearest one is named) or a value out of range.
    """
    needs = {"flip": not holds_characters(dataset)} | DATASET_OPTIONS.get(dataset, {})
    return replace(Recipe(**needs), **by_own_names(options))


def scaling_recipe(dataset: str, options: Mapping[str, Any] | None = None) -> Recipe:
    """The default recipe for networks scaled from one baseline, with ``options`` over it.

    Raises:
        InputError: as `proxy_recipe`.
    """
    return proxy_recipe(dataset, SCALING_OPTIONS.get(dataset, {}) | by_own_names(options))


def batch_for(images: int, batch_size: int) -> int:
    """The batch of a recipe, or a smaller one where so few images would be few steps an epoch.

    A hundred images in batches of 256 would be trained one step an epoch, by any number of epochs
    too few. With the 20 steps asked for here all images of digits keep their batch of 48.

    Args:
        images: that are trained on, 1 or more.
        batch_size: of the recipe; what a user asks for is not changed.
    """
    return min(batch_size, max(_SMALLEST_BATCH, images // _FEWEST_STEPS))


def holds_characters(dataset: str) -> bool:
    """Whether a dataset's name says that its images are written digits or letters.

    Mirrored they mean nothing, or something else. The last part of a path or hub name is looked
    at: `digits`, `hf:ylecun/mnist`, `data/emnist-letters`; not `fashion_mnist`, which is clothes.
    """
    words = set(re.split(r"[^a-z0-9]+", PurePath(dataset).name.lower()))
    return bool(words & _WRITTEN) and "fashion" not in words


def _check_type(name: str, value: object, wanted: type) -> None:
    """Whether a value is of its default's type; whole numbers do where a fraction may stand."""
    fits = isinstance(value, int | float) if wanted is float else isinstance(value, wanted)
    if not fits or (isinstance(value, bool) and wanted is not bool):
        kind = {int: "a whole number", float: "a number", bool: "true or false"}
        raise InputError(
            f"recipe option {name} is {value!r}: it must be {kind.get(wanted, 'text')}"
        )


def _wanted(name: str, default: object) -> type:
    """The type of an option's values; options without a default are numbers."""
    if default is not None:
        return type(default)
    return int if name in ("resolution", "lr_images") else float


def _at_least(recipe: Recipe, lowest: int, *names: str) -> None:
    _inside(recipe, lambda value: value >= lowest, f"{lowest} or more", *names)


def _inside(recipe: Recipe, holds: Callable[[float], bool], wanted: str, *names: str) -> None:
    for name in names:
        value = getattr(recipe, name)
        if value is not None and not (math.isfinite(value) and holds(value)):
            raise InputError(f"recipe option {name} is {value}: it must be {wanted}")

"""The proxy recipe as data: how a candidate network is trained for a few epochs.

What changes the accuracy of a trial stands here, so that a run's config repeats it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from search_spaces.errors import InputError, unknown_name

PRECISIONS = ("auto", "fp32", "bf16")
OPTIMIZERS = ("sgd", "adamw")


@dataclass(frozen=True, kw_only=True)
class ProxyRecipe:
    """A short training: one-cycle of linear warm-up and cosine decay to zero.

    Attributes:
        epochs: passes over the training images, 1 or more.
        batch_size: images a step, 2 or more (batch normalization needs two).
        optimizer: ``sgd`` (Nesterov momentum) or ``adamw``.
        lr: peak learning rate, above 0.
        momentum: of ``sgd``, in [0, 1).
        weight_decay: 0 or more; normalization and biases are never decayed.
        warmup: share of all steps the learning rate climbs for, in [0, 1).
        label_smoothing: in [0, 1).
        gradient_clip: largest norm of the gradient; 0 leaves it as it is.
        flip: mirror images at random; never for digits or letters.
        shift: largest random move of an image in pixels, 0 or more; trainings of a hundred
            steps learn slower with it.
        validation: share of the training part that is validated on, in (0, 1).
        split_seed: of the validation split; one for all networks of a search.
        resolution: side of the images in pixels; None keeps the dataset's own.
        precision: ``auto`` is bf16 where a CUDA device has it, fp32 elsewhere.
        norm_momentum: of batch normalization in torch's sense, in (0, 1]. The published 0.01
            needs some hundred steps to settle, which a proxy does not have.
        threads: CPU threads of one training; it can change the last bits of a result.
    """

    epochs: int = 3
    batch_size: int = 64
    optimizer: str = "sgd"
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.2
    label_smoothing: float = 0.1
    gradient_clip: float = 0.0
    flip: bool = True
    shift: int = 0
    validation: float = 0.2
    split_seed: int = 0
    resolution: int | None = 32
    precision: str = "auto"
    norm_momentum: float = 0.1
    threads: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "resolution" or self.resolution is not None:
                _check_type(field.name, getattr(self, field.name), type(field.default))
        _at_least(self, 1, "epochs", "threads")
        _at_least(self, 2, "batch_size")
        _at_least(self, 0, "shift", "weight_decay", "gradient_clip", "split_seed")
        if self.resolution is not None:
            _at_least(self, 1, "resolution")
        _within(self, "lr", self.lr > 0, "above 0")
        _within(self, "momentum", 0 <= self.momentum < 1, "in [0, 1)")
        _within(self, "warmup", 0 <= self.warmup < 1, "in [0, 1)")
        _within(self, "label_smoothing", 0 <= self.label_smoothing < 1, "in [0, 1)")
        _within(self, "validation", 0 < self.validation < 1, "between 0 and 1")
        _within(self, "norm_momentum", 0 < self.norm_momentum <= 1, "in (0, 1]")
        if self.optimizer not in OPTIMIZERS:
            raise unknown_name("optimizer", self.optimizer, OPTIMIZERS)
        if self.precision not in PRECISIONS:
            raise unknown_name("precision", self.precision, PRECISIONS)


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

# What trainings of scaled networks need besides: grown networks learn slower, and with the options
# above deeper ones would differ by how far three epochs take them and by little else. Digits,
# measured on a searched 387M network at φ = 1, mean of two seeds: 0.81 where the options above
# give 0.52 (α 1.2, β 1.1, γ 1.15), and 0.66 for 0.25 (α 1.45, β 1.05, γ 1.1).
SCALING_OPTIONS: dict[str, dict[str, Any]] = {
    "digits": {"batch_size": 32, "optimizer": "adamw", "lr": 0.002, "weight_decay": 0.01},
}


def proxy_recipe(dataset: str, options: Mapping[str, Any] | None = None) -> ProxyRecipe:
    """The default recipe for a dataset, with ``options`` over it.

    Raises:
        InputError: an option nobody knows (the nearest one is named) or a value out of range.
    """
    known = {field.name for field in fields(ProxyRecipe)}
    for name in options or {}:
        if name not in known:
            raise unknown_name("recipe option", name, known)
    return replace(ProxyRecipe(**DATASET_OPTIONS.get(dataset, {})), **(options or {}))


def scaling_recipe(dataset: str, options: Mapping[str, Any] | None = None) -> ProxyRecipe:
    """The default recipe for networks scaled from one baseline, with ``options`` over it.

    Raises:
        InputError: as `proxy_recipe`.
    """
    return proxy_recipe(dataset, SCALING_OPTIONS.get(dataset, {}) | dict(options or {}))


def _check_type(name: str, value: object, wanted: type) -> None:
    """Whether a value is of its default's type; whole numbers do where a fraction may stand."""
    fits = isinstance(value, int | float) if wanted is float else isinstance(value, wanted)
    if not fits or (isinstance(value, bool) and wanted is not bool):
        kind = {int: "a whole number", float: "a number", bool: "true or false"}
        raise InputError(
            f"recipe option {name} is {value!r}: it must be {kind.get(wanted, 'text')}"
        )


def _at_least(recipe: ProxyRecipe, lowest: int, *names: str) -> None:
    for name in names:
        _within(recipe, name, getattr(recipe, name) >= lowest, f"{lowest} or more")


def _within(recipe: ProxyRecipe, name: str, holds: bool, wanted: str) -> None:
    value = getattr(recipe, name)
    if not holds or not math.isfinite(value):
        raise InputError(f"recipe option {name} is {value}: it must be {wanted}")

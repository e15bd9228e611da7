"""What changes during a training: the learning rate by the step, size and regularisation by phase.

Pure functions of a recipe, so that a resumed training and a dry run need nothing else.
"""

import math
from dataclasses import dataclass
from typing import Any

from effsearch.search_spaces.units import plural
from effsearch.training.recipes.recipe import Recipe

LONGEST_WARMUP = 0.2
"""Largest share of a training that a warm-up given in epochs takes: of 5 epochs it is one."""

SMALLEST = 8
"""Fewest pixels of a phase, where the training has so many: below, nothing is left to see."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What holds in one part of a training.

    Attributes:
        resolution: side of the images in pixels.
        magnitude: of RandAugment.
        mixup: α of mixup's Beta distribution.
        dropout: in front of the classifier.
    """

    resolution: int
    magnitude: float
    mixup: float
    dropout: float


def learning_rate(step: int, steps_per_epoch: int, recipe: Recipe, workers: int = 1) -> float:
    """Learning rate of a step in 0 to epochs · steps_per_epoch − 1; every step learns.

    A linear climb to the peak, then ``cosine`` to zero; or ``exponential``, which counts from the
    first step and falls by stairs, as EfficientNet's code does it.

    Args:
        workers: that share a step; with ``lr_images`` the peak grows with the images of a step.
    """
    total = recipe.epochs * steps_per_epoch
    peak = peak_rate(recipe, workers)
    climb = round(warmup_epochs(recipe) * steps_per_epoch)
    if step < climb:
        return peak * (step + 1) / climb
    if recipe.schedule == "exponential":
        return peak * math.pow(recipe.decay_rate, step // (recipe.decay_epochs * steps_per_epoch))
    progress = (step - climb) / max(1, total - climb)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))


def peak_rate(recipe: Recipe, workers: int = 1) -> float:
    """The highest learning rate: the recipe's, scaled to the images of a step."""
    if recipe.lr_images is None:
        return recipe.lr
    return recipe.lr * recipe.batch_size * recipe.accumulate * workers / recipe.lr_images


def warmup_epochs(recipe: Recipe) -> float:
    """Epochs that the learning rate climbs for.

    A warm-up given in epochs is meant for a long training: it takes a fifth of the epochs at most.
    """
    if recipe.warmup_epochs is None:
        return recipe.warmup * recipe.epochs
    return min(recipe.warmup_epochs, LONGEST_WARMUP * recipe.epochs)


def phase_at(epoch: int, recipe: Recipe, resolution: int) -> Phase:
    """What holds in an epoch, counted from 0.

    Progressive learning (EfficientNetV2, section 4) grows size and regularisation together, in
    equal steps from phase to phase. Trainings of fewer epochs than phases have one phase an epoch.

    The first size is a share of the last, so that trainings at 32 pixels grow as those at 300 do:
    128 / 300 of 32 is 14. No phase has less than 8 pixels, nor more than the last.

    Args:
        resolution: of the last phase, in pixels.
    """
    phases = min(recipe.phases, recipe.epochs)
    share = 1.0 if phases == 1 else (epoch * phases // recipe.epochs) / (phases - 1)

    def grown(first: float | None, last: float) -> float:
        return last if first is None else first + (last - first) * share

    return Phase(
        resolution=max(
            min(SMALLEST, resolution), round(resolution * grown(recipe.first_resolution, 1.0))
        ),
        magnitude=grown(recipe.first_magnitude, recipe.magnitude),
        mixup=grown(recipe.first_mixup, recipe.mixup),
        dropout=grown(recipe.first_dropout, recipe.dropout),
    )


def schedule_rows(
    recipe: Recipe, resolution: int, steps_per_epoch: int, workers: int = 1
) -> list[dict[str, Any]]:
    """The schedule as a table, one row an epoch (counted from 1): the learning rate of its first
    and last step, and its phase."""
    rows = []
    for epoch in range(recipe.epochs):
        first = epoch * steps_per_epoch
        last = first + steps_per_epoch - 1
        phase = phase_at(epoch, recipe, resolution)
        rows.append(
            {
                "epoch": epoch + 1,
                "first_lr": learning_rate(first, steps_per_epoch, recipe, workers),
                "last_lr": learning_rate(last, steps_per_epoch, recipe, workers),
                "resolution": phase.resolution,
                "policy": recipe.policy,
                "magnitude": phase.magnitude if recipe.policy == "randaugment" else None,
                "mixup": phase.mixup,
                "cutmix": recipe.cutmix,
                "dropout": phase.dropout,
            }
        )
    return rows


def schedule_notes(recipe: Recipe) -> list[str]:
    """What a training of few epochs leaves out of its recipe, one sentence each, for a dry run."""
    said = []
    climb = warmup_epochs(recipe)
    if recipe.warmup_epochs is not None and climb < recipe.warmup_epochs:
        said.append(
            f"the warm-up of {recipe.warmup_epochs:g} epochs is shortened to {climb:g}: it takes a "
            f"fifth of {plural(recipe.epochs, 'epoch')} at most"
        )
    if recipe.epochs < recipe.phases:
        said.append(
            f"{recipe.epochs} of {recipe.phases} phases fit into the training: one per epoch"
        )
    if recipe.schedule == "exponential" and recipe.epochs <= recipe.decay_epochs:
        said.append(
            f"the learning rate does not fall: its first step down is after "
            f"{recipe.decay_epochs:g} epochs"
        )
    return said

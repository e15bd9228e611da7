"""A recipe's augmentation of one batch: bytes in, normalised floats and targets out."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from effsearch.training.augment.erasing import erase
from effsearch.training.augment.flip import random_flip_and_shift
from effsearch.training.augment.mixing import mix
from effsearch.training.augment.policies import apply_policy

if TYPE_CHECKING:
    from effsearch.training.recipes.recipe import Recipe
    from effsearch.training.recipes.schedule import Phase


class Augmenter:
    """Augments batches by a recipe, at the strength of the phase they are trained in.

    Everything random is drawn from torch's own random state (of the CPU, and of the images' device
    for flips), so that `torch.manual_seed` before a step decides the whole step.

    Args:
        recipe: flip, shift, policy, mixup, cutmix and erasing.
        classes: how many there are; the width of soft targets.
        mean, std: float32 (3,), grey levels 0..255, on the images' device.
    """

    def __init__(self, recipe: "Recipe", classes: int, mean: Tensor, std: Tensor) -> None:
        self._recipe = recipe
        self._classes = classes
        self._mean = mean
        self._std = std

    def __call__(self, images: Tensor, labels: Tensor, phase: "Phase") -> tuple[Tensor, Tensor]:
        """Augment one batch.

        Args:
            images: uint8 (N, 3, H, W).
            labels: int64 (N,), on the images' device.
            phase: gives the policy's magnitude and the strength of mixup.

        Returns:
            Images, float32 (N, 3, H, W) channels-last, of mean 0 and deviation 1; and targets:
            the labels themselves, or float32 (N, classes), rows summing to 1, where images are
            mixed. Targets are not smoothed: `cross_entropy(..., label_smoothing=...)` smooths
            both kinds alike, and smoothing a mixture is mixing the smoothed.
        """
        recipe = self._recipe
        images = random_flip_and_shift(images, flip=recipe.flip, shift=recipe.shift)
        if recipe.policy != "none":
            images = apply_policy(recipe.policy, images, phase.magnitude, self._mean)
        shown = normalised(images, self._mean, self._std)
        if recipe.erasing:
            shown = erase(shown, recipe.erasing)
        if phase.mixup or recipe.cutmix:
            return mix(shown, labels, self._classes, mixup=phase.mixup, cutmix=recipe.cutmix)
        return shown, labels


def normalised(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Grey levels 0..255, (N, 3, H, W), to float32 channels-last of mean 0 and deviation 1.

    Args:
        mean, std: float32 (3,), grey levels, on the images' device.
    """
    shaped = (1, 3, 1, 1)
    pixels = images.to(torch.float32, memory_format=torch.channels_last, copy=True)
    return pixels.sub_(mean.view(shaped)).div_(std.view(shaped))

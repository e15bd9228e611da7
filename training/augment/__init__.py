"""Augmentation of whole batches on the device they live on, from torch's own random state."""

from effsearch.training.augment.augmenter import Augmenter
from effsearch.training.augment.flip import random_flip_and_shift

__all__ = ["Augmenter", "random_flip_and_shift"]

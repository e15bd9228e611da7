"""The batch of training images that scores look at."""

import torch

from effsearch.nas.evaluators.zero_cost.score import Probe
from effsearch.search_spaces.errors import InputError
from effsearch.training.augment.augmenter import normalised
from effsearch.training.data.images import ImageDataset
from effsearch.training.data.split import stratified_split
from effsearch.training.devices.device import channel_statistics, resize_images
from effsearch.training.recipes.recipe import Recipe

IMAGES = 32
"""Images of the batch."""


def probe_of(dataset: ImageDataset, recipe: Recipe, seed: int = 0) -> Probe:
    """A batch of the part of a dataset that networks are trained on.

    Raises:
        InputError: fewer images than two.
    """
    train, _ = stratified_split(
        dataset.labels, recipe.validation, recipe.split_seed, dataset.class_names
    )
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    chosen = dataset.subset(train[order[:IMAGES]])
    if len(chosen.labels) < 2:
        raise InputError(f"'{dataset.name}' leaves too few images for scores: give more images")
    images = chosen.images
    if recipe.resolution is not None:
        images = resize_images(images, recipe.resolution)
    return Probe(
        images=normalised(images, *channel_statistics(images)),
        labels=chosen.labels,
        classes=dataset.classes,
        seed=seed,
    )

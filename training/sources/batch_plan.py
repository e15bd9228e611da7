"""How an epoch's images are cut into steps, and a step's into batches for every worker."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from effsearch.search_spaces.errors import InputError
from effsearch.training.devices.team import Team
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.seeds import mixed_seed


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """Steps of an epoch, each of `accumulate` batches of `batch` images on each of `workers`."""

    images: int
    steps: int
    batch: int
    accumulate: int
    workers: int

    @property
    def images_per_step(self) -> int:
        """By all workers together."""
        return self.batch * self.accumulate * self.workers

    def batches(self, seed: int, epoch: int, rank: int) -> list[Tensor]:
        """One worker's batches of an epoch in order: int64 indices into the training part.

        All workers' together are the same images at each step, however many workers there are.
        """
        generator = torch.Generator().manual_seed(mixed_seed(seed, epoch))
        order = torch.randperm(self.images, generator=generator)
        pieces = torch.split(order[: self.steps * self.images_per_step], self.batch)
        return list(pieces[rank :: self.workers])


def plan_batches(images: int, recipe: Recipe, team: Team) -> BatchPlan:
    """The plan of a recipe for so many training images.

    Raises:
        InputError: too few images for batches of two on every worker.
    """
    parts = recipe.accumulate * team.size
    steps, wanted = batch_plan(images, recipe.batch_size * parts)
    batch = wanted // parts
    if batch < min(2, images):
        raise InputError(
            f"{images} training images are too few for {parts} batches of two a step "
            f"(accumulate {recipe.accumulate}, {team.size} workers)"
        )
    return BatchPlan(
        images=images, steps=steps, batch=batch, accumulate=recipe.accumulate, workers=team.size
    )


def batch_plan(images: int, batch_size: int) -> tuple[int, int]:
    """Steps an epoch and images a step, for batches of one size that leave few images out.

    An odd last batch would train batch normalization on a handful of images, and fails on one.
    So the batches are shrunk until the images fill them; fewer images than steps are left out,
    others in each epoch. No batch is smaller than two.
    """
    steps = max(1, min(math.ceil(images / batch_size), images // 2))
    return steps, images // steps

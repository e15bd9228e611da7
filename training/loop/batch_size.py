"""Which batch fits into the device's memory: found by taking real steps and halving."""

import copy
import gc
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from effsearch.training.devices.team import SOLO, Team
from effsearch.training.loop.learner import Learner
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.schedule import phase_at

_NO_MEMORY = (
    *("can't allocate memory", "not enough memory"),  # the machine's
    # CUDA's libraries say it in their own words; cuDNN just finds no algorithm that has room.
    *("CUDA error: out of memory", "ALLOC_FAILED", "ALLOCATION_FAILED"),
    "unable to find an engine to execute",
)
"""How errors other than torch's own `OutOfMemoryError` tell of a lack of memory."""


def fitting_batch_size(
    network: nn.Module,
    recipe: Recipe,
    *,
    classes: int,
    resolution: int,
    device: torch.device,
) -> int | None:
    """The largest of batch_size, batch_size/2, batch_size/4 … whose steps fit into memory.

    Steps are taken at the last phase's resolution, the largest, on copies; the network stays as it
    is, and so does torch's random state.

    Args:
        network: on any device.
        classes: outputs of the network.
        resolution: in pixels.

    Returns:
        Images of a batch on one worker, 2 or more; None where not even two fit.
    """
    size = recipe.batch_size
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        while size >= 2:
            if _fits(network, replace(recipe, batch_size=size), classes, resolution, device):
                return size
            size //= 2
    return None


def memory_advice(
    network: nn.Module,
    recipe: Recipe,
    *,
    batch: int,
    classes: int,
    resolution: int,
    device: torch.device,
    team: Team = SOLO,
) -> str:
    """That a batch did not fit, and which of the recipe's size halved would; a line for an error.

    To be asked for once the memory of the failed step is free again. Arguments are those of
    `fitting_batch_size`, and the images of the batch that failed.
    """
    problem = f"out of memory: batches of {batch} images of {resolution} px do not fit {device}"
    size = recipe.batch_size
    while size >= batch:
        size //= 2
    fits: int | None = size if size >= 2 else None
    # Workers do not try: each of their steps waits for the others.
    if fits and team.size == 1:
        smaller = replace(recipe, batch_size=size)
        fits = fitting_batch_size(
            network, smaller, classes=classes, resolution=resolution, device=device
        )
    if fits is None:
        return f"{problem}, nor would two images: take a smaller network or --resolution"
    return f"{problem}: take --batch-size {fits}, or auto"


def lacks_memory(error: RuntimeError) -> bool:
    """Whether a step failed for want of memory: of the device's, or of the machine's."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(sign in text for sign in _NO_MEMORY)


def _fits(
    network: nn.Module, recipe: Recipe, classes: int, resolution: int, device: torch.device
) -> bool:
    try:
        _try_steps(network, recipe, classes, resolution, device)
    except RuntimeError as error:
        if not lacks_memory(error):
            raise
        return False
    finally:
        _free_memory()
    return True


def _try_steps(
    network: nn.Module, recipe: Recipe, classes: int, resolution: int, device: torch.device
) -> None:
    """Two steps on noise: the optimizer has its buffers from the first one on."""
    learner = Learner(
        copy.deepcopy(network),
        # Compiled code needs no more memory than the same operations one by one.
        replace(recipe, compile=False),
        classes=classes,
        mean=torch.full((3,), 128.0, device=device),
        std=torch.full((3,), 64.0, device=device),
        seed=0,
    )
    learner.network.train()
    phase = phase_at(recipe.epochs - 1, recipe, resolution)
    batches = _noise(recipe.batch_size, phase.resolution, classes, device)
    for number in range(2):
        learner.step(number, batches, phase, 0.0).item()


def _noise(
    size: int, resolution: int, classes: int, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    shape = (size, 3, resolution, resolution)
    while True:
        images = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
        labels = torch.randint(0, classes, (size,), device=device)
        yield images.contiguous(memory_format=torch.channels_last), labels


def _free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

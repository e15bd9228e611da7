"""Many short trainings on one device, several at once, each in a process that keeps its images."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing.synchronize import Barrier
from typing import Any

import torch
import torch.multiprocessing

from benchmarks.gpu.leg import Leg
from benchmarks.gpu.setting import Setting
from effsearch.search_spaces.architecture import Architecture
from effsearch.training.data.dataset import load_train, load_train_within
from effsearch.training.data.images import ImageDataset
from effsearch.training.devices.device import (
    DeviceData,
    choose_device,
    place_on_device,
    resized,
)
from effsearch.training.loop.classifier import train_classifier
from effsearch.training.recipes.recipe import Recipe, proxy_recipe
from effsearch.training.runs.initial import build_initial

_VALIDATION = 0.1
_START_SECONDS = 120


@dataclass(frozen=True)
class Training:
    """One network to train from scratch.

    Attributes:
        pixels: None for the setting's.
        captured: passes are replayed as CUDA graphs.
        precision: of the recipe.
    """

    architecture: Architecture
    seed: int
    epochs: int
    pixels: int | None = None
    captured: bool = False
    precision: str = "auto"


def capturing_pays(leg: Leg) -> bool:
    """Whether `throughput`, beside this leg's file, found so; not where it has not run."""
    pays: bool = Leg("throughput", leg.setting, leg.folder, 0.0).answer.get("capturing_pays", False)
    return pays


def recipe_for(
    setting: Setting, epochs: int, *, captured: bool = False, precision: str = "auto"
) -> Recipe:
    """Of all trainings of the legs: the project's proxy with augmentation a longer one needs."""
    return proxy_recipe(
        setting.data,
        {
            "epochs": epochs,
            "batch_size": setting.batch_size,
            "lr": 0.02 * setting.batch_size / 64,
            "shift": 4 if epochs > 2 else 0,
            "norm_momentum": 0.1,
            "resolution": setting.pixels,
            "cuda_graph": captured,
            "precision": precision,
        },
    )


@cache
def dataset_for(setting: Setting, largest: int | None = None) -> ImageDataset:
    """The training images, decoded once, at the setting's size.

    Args:
        largest: of the sizes that are trained at, where they differ: larger images are kept.
    """
    if largest is None:
        return load_train(setting.data, resolution=setting.pixels, max_images=setting.images)
    return load_train_within(setting.data, largest=largest, max_images=setting.images)


def on_device(setting: Setting, dataset: ImageDataset) -> DeviceData:
    """Nine tenths of them to train on and the rest to validate on, on the setting's device."""
    device = choose_device(setting.device)
    return place_on_device(dataset, device, validation=_VALIDATION, split_seed=0)


def train(setting: Setting, data: DeviceData, training: Training) -> dict[str, Any]:
    """Train one network; its accuracy on held-out images, after each epoch too, and its speed."""
    images = resized(data, training.pixels or setting.pixels)
    recipe = recipe_for(
        setting, training.epochs, captured=training.captured, precision=training.precision
    )
    started = time.perf_counter()
    network = build_initial(
        _for_classes(training.architecture, data.classes), recipe, training.seed
    )
    result = train_classifier(network, images, recipe, seed=training.seed)
    return {
        "id": training.architecture.id,
        "seed": training.seed,
        "captured": training.captured,
        "images": len(images.train_labels),
        "accuracy": round(result.curve[-1].accuracy, 5),
        "curve": [round(report.accuracy, 5) for report in result.curve],
        "seconds": round(time.perf_counter() - started, 2),
        "images_per_second": round(result.images_per_second),
        "memory_mib": round(_peak_memory(images.device) / 2**20),
    }


def _for_classes(architecture: Architecture, classes: int) -> Architecture:
    return replace(architecture, classes=classes, in_channels=3)


def _peak_memory(device: torch.device) -> int:
    if device.type != "cuda":
        return 0
    peak = torch.cuda.max_memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    return peak


class Crew:
    """Processes that train on one device at the same time."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def train(self, trainings: Sequence[Training]) -> list[dict[str, Any]]:
        """All of them, in their order; one that failed has an accuracy of 0, and its error."""
        return list(self._pool.map(_train_here, trainings))


@contextmanager
def crew(setting: Setting, workers: int, largest: int | None = None) -> Iterator[Crew]:
    """A crew whose processes have started and hold their images.

    Args:
        largest: size of the images, where trainings have their own `pixels`.
    """
    # A forked process cannot use a CUDA device. The images travel as shared memory.
    context = torch.multiprocessing.get_context("spawn")
    given = (setting, dataset_for(setting, largest), context.Barrier(workers))
    with ProcessPoolExecutor(workers, context, _prepare, given) as pool:
        list(pool.map(_ready, range(workers)))
        yield Crew(pool)


_here: dict[str, Any] = {}


def _prepare(setting: Setting, dataset: ImageDataset, all_here: Barrier) -> None:
    torch.set_num_threads(1)
    _here.update(setting=setting, data=on_device(setting, dataset), all_here=all_here)


def _ready(number: int) -> int:
    """Nobody takes a second one before all have theirs."""
    _here["all_here"].wait(_START_SECONDS)
    return number


def _train_here(training: Training) -> dict[str, Any]:
    try:
        return train(_here["setting"], _here["data"], training)
    except Exception as error:  # the others stand without
        said = f"{type(error).__name__}: {error}"[:500]
    return {
        "id": training.architecture.id,
        "seed": training.seed,
        "captured": training.captured,
        "accuracy": 0.0,
        "curve": [],
        "seconds": 0.0,
        "images_per_second": 0,
        "error": said,
    }

"""A supernet's training kept in a file: begun, gone on with, or found finished."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space import SearchSpace
from effsearch.training.data.images import ImageDataset
from effsearch.training.devices.device import DeviceData, choose_device, place_on_device, resized
from effsearch.training.loop.state import plain
from effsearch.training.recipes.seeds import build_seeded
from effsearch.training.sources import ResidentSource
from effsearch.training.supernet.recipe import SupernetRecipe
from effsearch.training.supernet.sampling import Draw, Sampler
from effsearch.training.supernet.storing import (
    SupernetInfo,
    check_space,
    read_supernet,
    save_supernet,
)
from effsearch.training.supernet.supernet import Supernet
from effsearch.training.supernet.trainer import SupernetReport, SupernetTrainer

SAVED_EVERY = 60.0
"""Seconds between two savings, and what a stop loses at most."""


def supernet_data(dataset: ImageDataset, recipe: SupernetRecipe, device: str) -> DeviceData:
    """Training and validation part of a dataset on a device, at the recipe's resolution."""
    training = recipe.training
    data = place_on_device(
        dataset,
        choose_device(device),
        validation=training.validation,
        split_seed=training.split_seed,
    )
    return data if training.resolution is None else resized(data, training.resolution)


def train_supernet(
    path: Path,
    space: SearchSpace,
    dataset: ImageDataset,
    recipe: SupernetRecipe,
    *,
    device: str = "auto",
    seed: int = 0,
    draw: Draw | None = None,
    band: str = "",
    data_options: Mapping[str, Any] | None = None,
    on_report: Callable[[SupernetReport], None] | None = None,
    saved_every: float = SAVED_EVERY,
) -> SupernetInfo:
    """Train a supernet into a file; one that was stopped goes on, a finished one is left alone.

    Args:
        path: in a folder that exists.
        dataset: the training part; its held-out share is not trained on.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        seed: of weights, networks, images and augmentation.
        draw: networks of the cost band; None for the whole space.
        band: the same in words.
        data_options: what else the dataset was read with, for who reads it again: `max_images`.
        on_report: hears how far it is.
        saved_every: seconds.

    Raises:
        InputError: the file is of another space, recipe, seed or band, or the data are too few.
        EffsearchError: it diverged, or the file cannot be written.
    """
    data = supernet_data(dataset, recipe, device)
    supernet = build_seeded(
        lambda: Supernet(
            space,
            dataset.classes,
            kernel_transform=recipe.kernel_transform,
            dropout=recipe.training.dropout,
        ),
        seed,
    )
    assert isinstance(supernet, Supernet)
    banded = draw if recipe.band else None
    sampler = Sampler(space, recipe, seed, banded)
    trainer = SupernetTrainer(
        supernet,
        sampler,
        sampler.candidates,
        ResidentSource(data, class_names=dataset.class_names),
        recipe,
        resolution=data.train_images.shape[-1],
        seed=seed,
        band=band if banded else "",
    )

    def info() -> SupernetInfo:
        return SupernetInfo(
            space=space,
            class_names=tuple(dataset.class_names),
            resolution=data.train_images.shape[-1],
            mean=tuple(data.mean.tolist()),
            std=tuple(data.std.tolist()),
            data={
                "name": dataset.name,
                "fingerprint": dataset.fingerprint,
                "train_images": len(data.train_labels),
                "validation_images": len(data.validation_labels),
                **(data_options or {}),
            },
            recipe=recipe,
            progress=trainer.progress(),
            finished=trainer.finished,
        )

    if path.exists():
        tensors, found = read_supernet(path)
        check_space(found, space, path)
        _check_data(found, dataset, path)
        trainer.restore(tensors, found.progress)
        if found.finished:
            return found

    def keep(report: SupernetReport) -> None:
        state = trainer.state()
        # What a finished one's optimizer remembers is of no use any more.
        save_supernet(path, plain(state) if trainer.finished else state, info())
        if on_report is not None:
            on_report(report)

    trainer.train(keep, saved_every)
    return info()


def _check_data(found: SupernetInfo, dataset: ImageDataset, path: Path) -> None:
    if found.data.get("fingerprint") != dataset.fingerprint:
        raise InputError(
            f"the supernet '{path}' was trained on other images ('{found.data.get('name')}'): give "
            "those, or another file"
        )

"""From a dataset's parts to a source: on the device where it fits, streamed where it does not."""

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.images import ImageDataset, ImageListing
from effsearch.training.data.progress import progress_line
from effsearch.training.data.skipping import decode_listing, skipped_notice
from effsearch.training.devices.device import channel_statistics, place_parts
from effsearch.training.sources.base import ImageSource
from effsearch.training.sources.packed import readable_anywhere
from effsearch.training.sources.parts import Parts
from effsearch.training.sources.resident import ResidentSource
from effsearch.training.sources.streamed import StreamedSource, default_workers

if TYPE_CHECKING:
    from effsearch.training.recipes.recipe import Recipe

_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
# Share of the device's free memory, and of the machine's memory, that images may take.
DEVICE_SHARE = 0.4
HOST_SHARE = 0.25
# Without a device of its own a training is slower than decoding: what takes longer to decode than
# half a minute is streamed, so that it starts at once and leaves the memory to others.
MOST_ON_CPU = 1 << 30
# Training images that the mean of a streamed dataset is measured on.
STATISTICS_SAMPLE = 2048

Statistics: TypeAlias = tuple[Sequence[float], Sequence[float]]
"""Mean and deviation of the three channels, in grey levels."""


def open_source(
    parts: Parts,
    device: torch.device,
    *,
    recipe: "Recipe",
    resolution: int,
    skip_bad: bool = False,
    loader_workers: int | None = None,
    statistics: Statistics | None = None,
    processes: int = 1,
) -> ImageSource:
    """Make batches of a dataset's parts available on a device.

    All images are decoded at once and live on the device where they take no more than 40% of its
    free memory and 25% of the machine's, on a CPU a GiB at most (see `stored_side` for their size);
    else worker processes decode them batch by batch. A test part stays in the machine's memory.

    Args:
        recipe: what size its crops are cut from.
        resolution: side in pixels that is trained at in the end.
        skip_bad: leave unreadable images out and count them in the source's notices.
        loader_workers: processes that decode a streamed dataset; None for the machine's cores
            less one, at most 16.
        statistics: None measures them over the training images, of a streamed dataset over 2,048
            of them.
        processes: trainings that share this machine and, on the CPU, its memory.

    Raises:
        InputError: an image that cannot be read, fewer than two images to train on, or statistics
            that are none.
    """
    side = stored_side(parts.own_side, resolution, recipe.crop_scale, recipe.crop_ratio)
    listings = [part for part in (parts.train, parts.validation, parts.test) if part is not None]
    needed = 3 * side * side * sum(len(part.labels) for part in listings)
    if needed <= memory_for_images(device, processes):
        return _open_resident(parts, device, side, skip_bad, statistics)
    workers = default_workers(processes) if loader_workers is None else loader_workers
    return open_streamed(
        parts, device, resolution, workers=workers, skip_bad=skip_bad, statistics=statistics
    )


def open_streamed(
    parts: Parts,
    device: torch.device,
    resolution: int,
    *,
    workers: int,
    skip_bad: bool = False,
    statistics: Statistics | None = None,
) -> StreamedSource:
    """A source that decodes batch by batch; arguments and errors as `open_source`."""
    by = f"by {workers} other processes" if workers else "by the training process itself"
    notices = [*parts.notices, f"images are decoded while training, {by}"]
    if statistics is None:
        sampled = min(STATISTICS_SAMPLE, len(parts.train.labels))
        mean, std = _sampled_statistics(parts.train, sampled, resolution, skip_bad)
        notices.append(f"mean and deviation measured on {sampled:,} of the training images")
    else:
        mean, std = _given(statistics)
    named = {"train": parts.train, "validation": parts.validation}
    if parts.test is not None:
        named["test"] = parts.test
    return StreamedSource(
        {name: readable_anywhere(listing) for name, listing in named.items()},
        device,
        mean=mean,
        std=std,
        own_side=parts.own_side,
        workers=workers,
        skip_bad=skip_bad,
        notices=notices,
    )


def stored_side(own_side: int, resolution: int, crop_scale: float, crop_ratio: float) -> int:
    """Side in pixels that images are kept at, in memory: enough for what is cut out of them.

    Their own, or less where evaluation's margin (``resolution / crop_ratio``) and the smallest
    crop at full detail (``resolution / √crop_scale``, at most twice the resolution) need less.
    """
    smallest_crop = min(2.0, 1 / math.sqrt(crop_scale))
    return min(own_side, math.ceil(resolution * max(1 / crop_ratio, smallest_crop)))


def memory_for_images(device: torch.device, processes: int = 1) -> int:
    """Bytes that images may take on a device that is not shared, in a machine that is."""
    allowed = int(_machine_memory() * HOST_SHARE) // processes
    if device.type == "cuda":
        free: int = torch.cuda.mem_get_info(device)[0]
        return min(allowed, int(free * DEVICE_SHARE))
    return min(allowed, MOST_ON_CPU)


def _machine_memory() -> int:
    """Bytes of the machine, or of the container that this process is confined to."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(physical, int(_CONTAINER_LIMIT.read_text("utf-8")))
    except (OSError, ValueError):  # there is none, or it says "max"
        return physical


def _open_resident(
    parts: Parts,
    device: torch.device,
    side: int,
    skip_bad: bool,
    statistics: Statistics | None,
) -> ResidentSource:
    errors: list[str] = []
    train, validation = (
        _decode_readable(part, side, skip_bad, errors) for part in (parts.train, parts.validation)
    )
    test = None
    if parts.test is not None:
        test = _decode_readable(parts.test, side, skip_bad, errors)
    if len(train) < 2:
        raise InputError(f"'{train.name}' leaves {len(train)} images to train on: give more images")
    data = place_parts(train, validation, device)
    if statistics is not None:
        mean, std = _given(statistics)
        data = replace(data, mean=mean.to(device), std=std.to(device))
    return ResidentSource(
        data,
        class_names=train.class_names,
        own_side=parts.own_side,
        test=test,
        notices=(*parts.notices, *skipped_notice(errors)),
    )


def _decode_readable(
    listing: ImageListing, side: int, skip_bad: bool, errors: list[str]
) -> ImageDataset:
    """A part's images, decoded; unreadable ones left out and their errors added, or raised."""
    index = range(len(listing.labels))
    images, bad = decode_listing(
        listing, index, side, skip_bad=skip_bad, on_progress=progress_line("images decoded")
    )
    errors.extend(bad)
    return images


def _sampled_statistics(
    listing: ImageListing, count: int, resolution: int, skip_bad: bool
) -> tuple[Tensor, Tensor]:
    shuffled = torch.randperm(len(listing.labels), generator=torch.Generator().manual_seed(0))
    sample = listing.subset(shuffled[:count].sort().values)
    images = _decode_readable(sample, resolution, skip_bad, []).images
    if not len(images):
        raise InputError(f"no image of '{listing.name}' can be read")
    return channel_statistics(images)


def _given(statistics: Statistics) -> tuple[Tensor, Tensor]:
    mean, std = (torch.tensor(values, dtype=torch.float32) for values in statistics)
    if mean.shape != (3,) or std.shape != (3,) or not (std > 0).all():
        raise InputError(
            f"mean and deviation are three numbers each, deviations above 0, not {statistics}"
        )
    return mean, std

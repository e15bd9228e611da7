"""A model file evaluated on one part of a dataset; only that part's pictures are decoded."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from search_spaces.errors import InputError, unknown_name
from training.dataset import find_validation
from training.device import choose_device
from training.evaluation import BATCH_SIZE, Evaluation, class_order, evaluate_network
from training.images import ImageListing
from training.model_file import ModelInfo, read_model
from training.sources import Batches, StreamedSource
from training.sources.packed import readable_anywhere
from training.sources.parts import Parts, find_parts
from training.sources.streamed import default_workers

PARTS = ("test", "validation")
# With fewer images, starting processes that decode takes longer than decoding.
_WORTH_WORKERS = 4096


@dataclass(frozen=True, kw_only=True)
class PartEvaluation:
    """An evaluation, and what it was made on.

    Attributes:
        data: name of the dataset.
        notices: what the user should hear of the data, a line each.
    """

    evaluation: Evaluation
    data: str
    notices: tuple[str, ...]


def evaluate_checkpoint(
    path: Path,
    *,
    data: str | None = None,
    part: str = "test",
    device: str = "auto",
    skip_bad: bool = False,
) -> PartEvaluation:
    """Evaluate a model file.

    Args:
        data: as in `training.dataset`; None for what the model was trained on.
        part: `test`, or `validation`: the dataset's own, else the images that the model's
            training held out.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        skip_bad: leave unreadable images out and count them in the notices.

    Raises:
        InputError: a file or data that cannot be read, no such part, or other classes.
        MissingResourceError: the device is not there.
    """
    if part not in PARTS:
        raise unknown_name("part", part, PARTS)
    place = choose_device(device)
    network, info = read_model(path)
    name = info.data_name if data is None else data
    if part == "test":
        parts = find_parts(name, validation=0.0, split_seed=0, skip_bad=skip_bad)
        listing = parts.test
        if listing is None:
            raise InputError(f"'{name}' has no test part: evaluate on another --part or --data")
    else:
        parts = _with_validation(name, info, skip_bad)
        listing = parts.validation
    order = class_order(listing.class_names, info, name)
    source = _source(listing, parts, place, info, skip_bad)
    batches = source.test_batches(
        batch_size=BATCH_SIZE, resolution=info.resolution, crop_ratio=info.crop_ratio
    )
    assert batches is not None
    network.to(device=place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    evaluation = evaluate_network(network, _relabelled(batches, order.to(place)), info)
    # The first notices are of both parts, and only one was asked for.
    notices = [line for line in parts.notices if line.startswith(f"the {part} ")]
    return PartEvaluation(evaluation=evaluation, data=name, notices=(*notices, *source.notices))


def _with_validation(name: str, info: ModelInfo, skip_bad: bool) -> Parts:
    """The parts with a validation part: the dataset's own, or what the training held out."""
    if find_validation(name) is not None:
        return find_parts(name, validation=0.0, split_seed=0, skip_bad=skip_bad)
    held_out = info.data.get("validation_images", 0)
    if name != info.data_name or not held_out:
        raise InputError(
            f"'{name}' has no validation part, and this model's training held none of it out: "
            "evaluate on --part test"
        )
    parts = find_parts(
        name,
        validation=info.recipe["validation"],
        split_seed=info.recipe["split_seed"],
        max_images=info.data["train_images"] + held_out,
        skip_bad=skip_bad,
    )
    if len(parts.validation.labels) != held_out and not skip_bad:
        raise InputError(
            f"'{name}' is no longer what this model was trained on: {held_out} images were held "
            f"out then, and would be {len(parts.validation.labels)} now"
        )
    return parts


def _source(
    listing: ImageListing, parts: Parts, device: torch.device, info: ModelInfo, skip_bad: bool
) -> StreamedSource:
    shown = readable_anywhere(listing)
    return StreamedSource(
        # A source has a training part; this one is never asked for its images.
        {"train": shown, "test": shown},
        device,
        mean=torch.tensor(info.mean),
        std=torch.tensor(info.std),
        own_side=parts.own_side,
        workers=default_workers() if len(listing.labels) > _WORTH_WORKERS else 0,
        skip_bad=skip_bad,
    )


def _relabelled(batches: Batches, order: Tensor) -> Batches:
    for images, labels in batches:
        yield images, order[labels]

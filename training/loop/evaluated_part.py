"""A model file evaluated on one part of a dataset; only that part's pictures are decoded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.training.data.named_columns import ANY_COLUMNS, Columns
from effsearch.training.devices.device import choose_device
from effsearch.training.loop.evaluation import (
    Evaluation,
    channel_levels,
    evaluate_network,
    evaluation_batch,
)
from effsearch.training.models.model_file import ModelInfo, read_model
from effsearch.training.sources import Batches, EvaluationView, StreamedSource
from effsearch.training.sources.packed import readable_anywhere
from effsearch.training.sources.parts import Parts, find_parts
from effsearch.training.sources.streamed import default_workers

PARTS = ("test", "validation")
# With fewer images, starting processes that decode takes longer than decoding.
_WORTH_WORKERS = 4096


@dataclass(frozen=True, kw_only=True)
class PartEvaluation:
    """An evaluation, and what it was made on.

    Attributes:
        data: name of the dataset.
        part: `test` or `validation`.
        notices: what the user should hear of the data, a line each.
    """

    evaluation: Evaluation
    data: str
    part: str
    notices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldBack:
    """A part of a dataset as a model sees it, ready to be read as often as wanted.

    Attributes:
        data: name of the dataset.
        part: `test` or `validation`.
        info: of the model.
        order: for each class of the data the model's output for it.
        lines: what the user should hear of the part, those on unreadable images aside.
    """

    data: str
    part: str
    info: ModelInfo
    source: StreamedSource
    order: Tensor
    lines: tuple[str, ...]

    def batches(self) -> Batches:
        """Images uint8 (N, 3, R, R) on the device, and the labels as the model counts them."""
        view = EvaluationView(
            batch_size=evaluation_batch(self.info.resolution),
            resolution=self.info.resolution,
            crop_ratio=self.info.crop_ratio,
        )
        for images, labels in self.source.evaluation_batches(self.part, view):
            yield images, self.order[labels]

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should hear, unreadable images met so far included."""
        return (*self.lines, *self.source.notices)

    def evaluate(self, network: nn.Module, mean: Tensor, std: Tensor) -> Evaluation:
        """Evaluate a network on the part.

        Raises:
            InputError: not one image can be read.
            EffsearchError: as `evaluate_network`.
        """
        found = evaluate_network(network, self.batches(), self.info.class_names, mean, std)
        if not found.images:
            raise InputError(f"no image of the {self.part} part of '{self.data}' can be read")
        return found


def evaluate_checkpoint(
    path: Path,
    *,
    data: str | None = None,
    part: str | None = None,
    device: str = "auto",
    skip_bad: bool = False,
    columns: Columns = ANY_COLUMNS,
) -> PartEvaluation:
    """Evaluate a model file.

    Args:
        data: as in `effsearch.training.data.dataset`; None for what the model was trained on.
        part: `test`, or `validation`: the dataset's own, else the images that the model's
            training held out. None for the first of them that there is.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        skip_bad: leave unreadable images out and count them in the notices.
        columns: of a table, where the user names them; of the model's own data those of its
            training.

    Raises:
        InputError: a file or data that cannot be read, no such part, or other classes.
        MissingResourceError: the device is not there.
    """
    place = choose_device(device)
    network, info = read_model(path)
    held = open_part(info, place, data=data, part=part, skip_bad=skip_bad, columns=columns)
    network.to(device=place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    evaluation = held.evaluate(network, *channel_levels(info, place))
    return PartEvaluation(
        evaluation=evaluation, data=held.data, part=held.part, notices=held.notices
    )


def open_part(
    info: ModelInfo,
    place: torch.device,
    *,
    data: str | None = None,
    part: str | None = None,
    skip_bad: bool = False,
    columns: Columns = ANY_COLUMNS,
    most: int | None = None,
) -> HeldBack:
    """Find a part of a dataset for a model; no picture is decoded yet.

    Args:
        info: of the model.
        place: where its images are delivered.
        data, part, skip_bad, columns: as of `evaluate_checkpoint`.
        most: images, spread evenly over the part; None for all.

    Raises:
        InputError: data that cannot be read, no such part, or other classes.
    """
    if part is not None and part not in PARTS:
        raise unknown_name("part", part, PARTS)
    name = info.data_name if data is None else data
    if data is None and columns == ANY_COLUMNS:
        columns = info.columns
    parts = find_parts(name, validation=0.0, split_seed=0, columns=columns)
    stands_in = part is None and parts.test is None and _was_held_out(name, info, parts)
    part = part or ("validation" if stands_in else "test")
    if part == "validation" and not len(parts.validation.labels):
        parts = _carved(name, info, skip_bad, columns)
    listing = parts.test if part == "test" else parts.validation
    if listing is None:
        why = "".join(f" ({line})" for line in parts.notices if line.startswith("the test part"))
        raise InputError(f"'{name}' has no test part{why}: evaluate on another --part or --data")
    order = class_order(listing.class_names, info, name)
    count = len(listing.labels)
    if most is not None and most < count:
        listing = listing.subset(torch.linspace(0, count - 1, most).long())
    mean, std = channel_levels(info, place)
    source = StreamedSource(
        {part: readable_anywhere(listing)},
        place,
        mean=mean,
        std=std,
        own_side=parts.own_side,
        workers=default_workers() if len(listing.labels) > _WORTH_WORKERS else 0,
        skip_bad=skip_bad,
    )
    # The notices are of all parts, and only one was asked for.
    notices = [line for line in parts.notices if line.startswith(f"the {part} ")]
    notices += listing.notices
    if stands_in:
        notices.append(
            f"'{name}' has no test part: these images chose the best epoch, and flatter it a little"
        )
    return HeldBack(
        data=name,
        part=part,
        info=info,
        source=source,
        order=order.to(place),
        lines=tuple(notices),
    )


def _was_held_out(name: str, info: ModelInfo, parts: Parts) -> bool:
    """Whether there is a validation part: the data's own, or what the training held out of it."""
    carved = name == info.data_name and bool(info.data.get("validation_images", 0))
    return carved or len(parts.validation.labels) > 0


def _carved(name: str, info: ModelInfo, skip_bad: bool, columns: Columns) -> Parts:
    """The parts with the validation part that the model's training held out."""
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
        columns=columns,
    )
    if len(parts.validation.labels) != held_out and not skip_bad:
        raise InputError(
            f"'{name}' is no longer what this model was trained on: {held_out} images were held "
            f"out then, and would be {len(parts.validation.labels)} now"
        )
    return parts


def class_order(class_names: Sequence[str], info: ModelInfo, data: str) -> Tensor:
    """For each class of the data the model's output for it, int64 (classes,).

    Raises:
        InputError: the data's classes are not the model's.
    """
    known, given = set(info.class_names), set(class_names)
    if known == given:
        return torch.tensor([info.class_names.index(name) for name in class_names])
    if only := sorted(given - known):
        what = f"the class '{only[0]}' of '{data}' is none of the model's {len(known)}"
    else:
        what = f"'{data}' has no class '{min(known - given)}', and the model does"
    raise InputError(f"{what}: give --data of the classes of '{info.data_name}'")

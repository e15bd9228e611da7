"""Images that live on the device as bytes and are cut and resized there, batch by batch."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from effsearch.training.data.images import ImageDataset
from effsearch.training.devices.device import DeviceData, resize_images
from effsearch.training.sources.base import (
    Batches,
    EvaluationView,
    TrainView,
    evaluation_share,
)
from effsearch.training.sources.crop import crop_and_resize, crop_boxes


class ResidentSource:
    """A source whose training and validation images are on the device already.

    Args:
        data: training and validation part.
        class_names: None numbers the classes.
        own_side: shorter side of the images before they were placed; None where it is theirs now.
        test: test part in host memory, put on the device batch by batch.
        notices: what the user should hear of the data.
    """

    def __init__(
        self,
        data: DeviceData,
        *,
        class_names: Sequence[str] | None = None,
        own_side: int | None = None,
        test: ImageDataset | None = None,
        notices: Sequence[str] = (),
    ) -> None:
        self._data = data
        self._held_out = {"validation": (data.validation_images, data.validation_labels)}
        if test is not None:
            self._held_out["test"] = (test.images, test.labels)
        self.class_names = tuple(class_names or map(str, range(data.classes)))
        self.own_side = own_side or data.train_images.shape[-1]
        self.notices = tuple(notices)
        self.device, self.mean, self.std = data.device, data.mean, data.std

    @cached_property
    def labels(self) -> Mapping[str, Tensor]:
        """int64 (N,) on the CPU, by part."""
        held_out = {part: labels.cpu() for part, (_, labels) in self._held_out.items()}
        return {"train": self._data.train_labels.cpu(), **held_out}

    def train_batches(self, batches: Sequence[Tensor], view: TrainView) -> Batches:
        """See `ImageSource.train_batches`."""
        if not batches:
            return
        data = self._data
        side = data.train_images.shape[-1]
        pixels = data.train_images.permute(0, 2, 3, 1)  # contiguous, so an image is one copy
        # One transfer for the whole iteration: a copy a batch would wait for the device each time.
        everything = torch.cat(list(batches)).to(data.device, non_blocking=True)
        chosen = torch.split(everything, [len(batch) for batch in batches])
        for number, index in enumerate(chosen, view.first):
            images = pixels.index_select(0, index).permute(0, 3, 1, 2)
            labels = data.train_labels.index_select(0, index)
            if view.crop_scale < 1:
                sizes = torch.full((len(index), 2), side)
                boxes = crop_boxes(sizes, view.crop_scale, view.seed, number)
                boxes = boxes.to(data.device, non_blocking=True)
                images = crop_and_resize(images, boxes, view.resolution)
            yield resize_images(images, view.resolution), labels

    def evaluation_batches(self, part: str, view: EvaluationView) -> Batches:
        """See `ImageSource.evaluation_batches`."""
        if part not in self._held_out:
            return
        images, labels = (
            torch.split(tensor[view.team.rank :: view.team.size], view.batch_size)
            for tensor in self._held_out[part]
        )
        share = evaluation_share(self.own_side, view.resolution, view.crop_ratio)
        for some, wanted in zip(images, labels, strict=True):
            if not len(wanted):  # a part without images is split into one batch without
                return
            shown = some.to(self.device, non_blocking=True)
            if share < 1:
                shown = centre(shown, share, view.resolution)
            yield resize_images(shown, view.resolution), wanted.to(self.device, non_blocking=True)


def centre(images: Tensor, share: float, resolution: int) -> Tensor:
    """The centre of square images, ``share`` of their side, at ``resolution`` pixels."""
    side = images.shape[-1]
    margin = side * (1 - share) / 2
    box = torch.tensor([margin, margin, side - margin, side - margin])
    box = box.to(images.device, non_blocking=True)
    return crop_and_resize(images, box.expand(len(images), 4), resolution)

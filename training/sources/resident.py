"""Images that live on the device as bytes and are cut and resized there, batch by batch."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from training.device import DeviceData, resize_images
from training.images import ImageDataset
from training.sources.base import Batches, evaluation_share
from training.sources.crop import crop_and_resize, crop_boxes


class ResidentSource:
    """A source whose training and validation images are on the device already.

    Args:
        data: training and validation part.
        name: what the user called the data.
        class_names: None numbers the classes.
        own_side: shorter side of the images before they were placed; None where it is theirs now.
        test: test part in host memory, put on the device batch by batch.
        notices: what the user should hear of the data.
    """

    def __init__(
        self,
        data: DeviceData,
        *,
        name: str = "",
        class_names: Sequence[str] | None = None,
        own_side: int | None = None,
        test: ImageDataset | None = None,
        notices: Sequence[str] = (),
    ) -> None:
        self._data = data
        self._test = test
        self.name = name
        self.class_names = tuple(class_names or map(str, range(data.classes)))
        self.own_side = own_side or data.train_images.shape[-1]
        self.notices = tuple(notices)

    @property
    def device(self) -> torch.device:
        """Where the images live."""
        return self._data.device

    @property
    def mean(self) -> Tensor:
        """float32 (3,), grey levels."""
        return self._data.mean

    @property
    def std(self) -> Tensor:
        """float32 (3,), grey levels."""
        return self._data.std

    @cached_property
    def train_labels(self) -> Tensor:
        """int64 (N,), on the CPU."""
        return self._data.train_labels.cpu()

    @cached_property
    def validation_labels(self) -> Tensor:
        """int64 (N,), on the CPU."""
        return self._data.validation_labels.cpu()

    @property
    def test_labels(self) -> Tensor | None:
        """int64 (N,), on the CPU; None where there is no test part."""
        return None if self._test is None else self._test.labels

    def train_batches(
        self,
        batches: Sequence[Tensor],
        *,
        resolution: int,
        crop_scale: float,
        seed: int,
        first: int = 0,
    ) -> Batches:
        """See `ImageSource.train_batches`."""
        if not batches:
            return
        data = self._data
        side = data.train_images.shape[-1]
        pixels = data.train_images.permute(0, 2, 3, 1)  # contiguous, so an image is one copy
        # One transfer for the whole iteration: a copy a batch would wait for the device each time.
        everything = torch.cat(list(batches)).to(data.device, non_blocking=True)
        chosen = torch.split(everything, [len(batch) for batch in batches])
        for number, index in enumerate(chosen, first):
            images = pixels.index_select(0, index).permute(0, 3, 1, 2)
            labels = data.train_labels.index_select(0, index)
            if crop_scale < 1:
                sizes = torch.full((len(index), 2), side)
                boxes = crop_boxes(sizes, crop_scale, seed, number)
                boxes = boxes.to(data.device, non_blocking=True)
                images = crop_and_resize(images, boxes, resolution)
            yield resize_images(images, resolution), labels

    def validation_batches(
        self,
        *,
        batch_size: int,
        resolution: int,
        crop_ratio: float,
        worker: int = 0,
        workers: int = 1,
    ) -> Batches:
        """See `ImageSource.validation_batches`."""
        images = self._data.validation_images[worker::workers]
        labels = self._data.validation_labels[worker::workers]
        return self._evaluated(images, labels, batch_size, resolution, crop_ratio)

    def test_batches(
        self,
        *,
        batch_size: int,
        resolution: int,
        crop_ratio: float,
        worker: int = 0,
        workers: int = 1,
    ) -> Batches | None:
        """See `ImageSource.test_batches`."""
        if self._test is None:
            return None
        images = self._test.images[worker::workers]
        labels = self._test.labels[worker::workers]
        return self._evaluated(images, labels, batch_size, resolution, crop_ratio)

    def _evaluated(
        self, images: Tensor, labels: Tensor, batch_size: int, resolution: int, crop_ratio: float
    ) -> Batches:
        if not len(labels):
            return
        share = evaluation_share(self.own_side, resolution, crop_ratio)
        for some, wanted in zip(
            torch.split(images, batch_size), torch.split(labels, batch_size), strict=True
        ):
            shown = some.to(self.device, non_blocking=True)
            if share < 1:
                shown = centre(shown, share, resolution)
            yield resize_images(shown, resolution), wanted.to(self.device, non_blocking=True)


def centre(images: Tensor, share: float, resolution: int) -> Tensor:
    """The centre of square images, ``share`` of their side, at ``resolution`` pixels."""
    side = images.shape[-1]
    margin = side * (1 - share) / 2
    box = torch.tensor([margin, margin, side - margin, side - margin], device=images.device)
    return crop_and_resize(images, box.expand(len(images), 4), resolution)

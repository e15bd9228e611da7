"""What a training asks of its images, wherever they live."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

Batches: TypeAlias = Iterator[tuple[Tensor, Tensor]]
"""Images uint8 (N, 3, R, R) channels-last and labels int64 (N,), both on the source's device."""


class ImageSource(Protocol):
    """Batches of one dataset's parts, on one device, as bytes.

    One iteration at a time: a new one ends the one before it.
    """

    @property
    def name(self) -> str:
        """What the user called the data."""

    @property
    def device(self) -> torch.device:
        """Where batches are delivered."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the training part; labels count them from 0."""

    @property
    def own_side(self) -> int:
        """Shorter side of the images in pixels before any resizing, the largest there is."""

    @property
    def mean(self) -> Tensor:
        """float32 (3,) on the device, in grey levels 0..255."""

    @property
    def std(self) -> Tensor:
        """float32 (3,) on the device, in grey levels 0..255."""

    @property
    def train_labels(self) -> Tensor:
        """int64 (N,), on the CPU."""

    @property
    def validation_labels(self) -> Tensor:
        """int64 (N,), on the CPU; empty where nothing is validated on."""

    @property
    def test_labels(self) -> Tensor | None:
        """int64 (N,), on the CPU; None where there is no test part."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should hear of the data, a line each; more may come while it is read."""

    def train_batches(
        self,
        batches: Sequence[Tensor],
        *,
        resolution: int,
        crop_scale: float,
        seed: int,
        first: int = 0,
    ) -> Batches:
        """The training images named, batch by batch.

        Args:
            batches: int64 indices into the training part, a tensor a batch, on the CPU.
            resolution: side R in pixels.
            crop_scale: smallest share of an image's area that a random crop keeps, in (0, 1];
                1 takes the centre square.
            seed: with a batch's number it decides the batch's crops.
            first: number of `batches[0]`, so that an iteration that starts later cuts alike.
        """

    def validation_batches(
        self,
        *,
        batch_size: int,
        resolution: int,
        crop_ratio: float,
        worker: int = 0,
        workers: int = 1,
    ) -> Batches:
        """The validation images in order, cut as `evaluation_share` says; none where it is empty.

        Args:
            batch_size: images a batch; the last one may have fewer.
            worker, workers: give every `workers`-th image from number `worker` on, so that
                several processes share the work.
        """

    def test_batches(
        self,
        *,
        batch_size: int,
        resolution: int,
        crop_ratio: float,
        worker: int = 0,
        workers: int = 1,
    ) -> Batches | None:
        """As `validation_batches`, of the test part; None where there is none."""


def evaluation_share(own_side: int, resolution: int, crop_ratio: float) -> float:
    """Share of an image's shorter side that evaluation looks at, centred.

    Resizing the shorter side to ``resolution / crop_ratio`` and cropping the centre is to look at
    ``crop_ratio`` of it. Images no larger than the network's input are looked at whole: they have
    no margin to give away.

    Args:
        own_side: shorter side of the images in pixels (see `ImageSource.own_side`).
    """
    return 1.0 if own_side <= resolution else crop_ratio

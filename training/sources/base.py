"""What a training asks of its images, wherever they live."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from effsearch.training.devices.team import SOLO, Team

Batches: TypeAlias = Iterator[tuple[Tensor, Tensor]]
"""Images uint8 (N, 3, R, R) channels-last and labels int64 (N,), both on the source's device."""


@dataclass(frozen=True, kw_only=True)
class TrainView:
    """How training images are cut.

    Attributes:
        resolution: side R in pixels.
        crop_scale: smallest share of an image's area that a random crop keeps, in (0, 1]; 1 takes
            the centre square.
        seed: with a batch's number it decides the batch's crops.
        first: number of the first batch, so that an iteration that starts later cuts alike.
    """

    resolution: int
    crop_scale: float
    seed: int
    first: int = 0


@dataclass(frozen=True, kw_only=True)
class EvaluationView:
    """How images are looked at that were not trained on.

    Attributes:
        batch_size: images a batch; the last one may have fewer.
        resolution: side R in pixels.
        crop_ratio: as of `evaluation_share`.
        team: its workers share the images: each takes every `size`-th from its rank on.
    """

    batch_size: int
    resolution: int
    crop_ratio: float
    team: Team = SOLO


class ImageSource(Protocol):
    """Batches of one dataset's parts, on one device, as bytes.

    One iteration at a time: a new one ends the one before it.
    """

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
    def labels(self) -> Mapping[str, Tensor]:
        """int64 (N,) on the CPU, of each part: `train`, `validation` (empty where nothing is
        validated on), and `test` where there is one."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should hear of the data, a line each; more may come while it is read."""

    def train_batches(self, batches: Sequence[Tensor], view: TrainView) -> Batches:
        """The training images named, batch by batch.

        Args:
            batches: int64 indices into the training part, a tensor a batch, on the CPU.
        """

    def evaluation_batches(self, part: str, view: EvaluationView) -> Batches:
        """Images of the part `validation` or `test` in order, cut as `evaluation_share` says.

        None where the part is empty or missing.
        """


def evaluation_share(own_side: int, resolution: int, crop_ratio: float) -> float:
    """Share of an image's shorter side that evaluation looks at, centred.

    Resizing the shorter side to ``resolution / crop_ratio`` and cropping the centre is to look at
    ``crop_ratio`` of it. Images no larger than the network's input are looked at whole: they have
    no margin to give away.

    Args:
        own_side: shorter side of the images in pixels (see `ImageSource.own_side`).
    """
    return 1.0 if own_side <= resolution else crop_ratio

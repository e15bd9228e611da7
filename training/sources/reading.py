"""What a worker process does: read a batch's pictures, cut, decode and resize them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.decode import OpenedPicture, centre_box, cut_square, open_picture
from effsearch.training.data.images import ImageListing
from effsearch.training.sources.crop import crop_boxes

Delivery: TypeAlias = tuple[Tensor, Tensor, list[tuple[str, str]]]
"""Images uint8 (N, R, R, 3), their labels, and the place and error of each that was unreadable."""


@dataclass(frozen=True, kw_only=True)
class CentreCut:
    """The centred square of ``share`` of the shorter side."""

    share: float


@dataclass(frozen=True, kw_only=True)
class RandomCut:
    """Random crops of batch ``number``, of ``smallest_share`` of the area or more."""

    smallest_share: float
    seed: int
    number: int


@dataclass(frozen=True, kw_only=True)
class Order:
    """A batch that a worker is to make."""

    part: str
    indices: Sequence[int]
    resolution: int
    cut: CentreCut | RandomCut


class BatchReader(Dataset[Delivery]):
    """Makes ordered batches from listings; travels to the worker processes once.

    Errors of the data are delivered instead of raised: they are to reach the user in one line.
    """

    def __init__(self, parts: Mapping[str, ImageListing]) -> None:
        self._parts = parts

    def __getitem__(self, order: Order) -> Delivery:
        """Images that can be read, in order, with their labels."""
        listing = self._parts[order.part]
        bad: list[tuple[str, str]] = []
        opened: list[tuple[int, str, OpenedPicture]] = []
        pairs = zip(order.indices, listing.pictures(order.indices), strict=True)
        for index, (where, found) in pairs:
            try:
                opened.append((index, where, open_picture(where, found)))
            except InputError as error:
                bad.append((where, str(error)))
        pixels, labels = [], []
        boxes = _boxes([picture.size for _, _, picture in opened], order.cut)
        for (index, where, picture), box in zip(opened, boxes, strict=True):
            try:
                pixels.append(cut_square(where, picture, box, order.resolution, listing.levels))
                labels.append(listing.labels[index])
            except InputError as error:
                bad.append((where, str(error)))
        if not pixels:
            side = order.resolution
            return torch.empty(0, side, side, 3, dtype=torch.uint8), torch.empty(0).long(), bad
        return torch.from_numpy(np.stack(pixels)), torch.stack(labels), bad


def _boxes(
    sizes: list[tuple[int, int]], cut: CentreCut | RandomCut
) -> list[tuple[float, float, float, float]]:
    if isinstance(cut, CentreCut):
        return [centre_box(size, cut.share) for size in sizes]
    if not sizes:
        return []
    heights_and_widths = torch.tensor([(height, width) for width, height in sizes])
    boxes = crop_boxes(heights_and_widths, cut.smallest_share, cut.seed, cut.number)
    return [tuple(box) for box in boxes.tolist()]

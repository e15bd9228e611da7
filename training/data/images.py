"""A labelled image set in memory, and the listing of one before its pictures are decoded.

Every source (digits, folders, parquet) makes a listing; one decoder turns any listing into arrays.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import torch
from PIL import Image
from torch import Tensor

from effsearch.training.data.depth import Levels


@dataclass(frozen=True)
class Unreadable:
    """Stands for a picture that cannot be read, and says why."""

    reason: str


Picture: TypeAlias = Path | BytesIO | Image.Image | Unreadable | None
"""A file, an encoded picture, a decoded one, or None where there should be one and is not."""
Pictures: TypeAlias = Callable[[Sequence[int]], Iterator[tuple[str, Picture]]]


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageListing:
    """One part (training or test) of a dataset: labels are known, pictures are not yet decoded.

    Attributes:
        labels: int64 (N,), each in [0, len(class_names)).
        pictures: given indices into ``labels``, yields ``(where, picture)`` in that order;
            ``where`` names the picture in error messages (a file, or a file and a row). It can be
            pickled, for processes that decode.
        ascending: pictures are only given for ascending indices, and single ones are dear.
        levels: what is black and white in pictures of more than 8 bits; None judges each by itself.
        notices: what the user should hear of the listing, a line each.
    """

    name: str
    labels: Tensor
    class_names: tuple[str, ...]
    pictures: Pictures
    ascending: bool = False
    levels: Levels | None = None
    notices: tuple[str, ...] = ()

    def spread(self, runs: int, run: int) -> list[int]:
        """Ascending places of some pictures, `runs` times `run` in a row; of all where few."""
        count = len(self.labels)
        starts = torch.linspace(0, max(0, count - run), runs).long().tolist()
        return sorted({i for start in starts for i in range(start, min(start + run, count))})

    def subset(self, index: Tensor) -> "ImageListing":
        """The images at the places ``index`` (int64, ascending) names."""
        chosen, pictures = index.tolist(), self.pictures
        if isinstance(pictures, ChosenPictures):
            chosen, pictures = [pictures.index[i] for i in chosen], pictures.pictures
        return replace(
            self,
            labels=self.labels[index],
            pictures=ChosenPictures(pictures=pictures, index=chosen),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOut:
    """What a dataset holds back.

    Attributes:
        parts: the test and the validation part, in this order; one alone is the test part.
        notices: why a part that is there cannot be used, a line each.
    """

    parts: tuple[ImageListing, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChosenPictures:
    """Some of a listing's pictures, counted anew from 0."""

    pictures: Pictures
    index: list[int]

    def __call__(self, indices: Sequence[int]) -> Iterator[tuple[str, Picture]]:
        """The pictures at these places of the choice."""
        return self.pictures([self.index[i] for i in indices])


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageDataset:
    """Decoded images and their labels, in host memory.

    Attributes:
        images: uint8 (N, 3, H, W), RGB, stored channels-last.
        labels: int64 (N,), each in [0, classes).
        notices: what the user should hear of the data, a line each.
    """

    name: str
    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> int:
        """Number of classes, those without an image included."""
        return len(self.class_names)

    @property
    def resolution(self) -> int:
        """Side of the (square) images in pixels."""
        return self.images.shape[-1]

    def subset(self, index: Tensor) -> "ImageDataset":
        """The images at the places ``index`` (int64) names, in its order."""
        return replace(self, images=self.images[index], labels=self.labels[index])

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits over pixels, labels and class names; another resolution is another one."""
        digest = hashlib.sha256(repr((tuple(self.images.shape), self.class_names)).encode())
        pixels = self.images.permute(0, 2, 3, 1).contiguous()
        digest.update(pixels.numpy().data)
        digest.update(self.labels.to(torch.int64).contiguous().numpy().data)
        return digest.hexdigest()[:16]

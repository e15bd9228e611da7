"""What holds for every convolution of a network: how it is normalized and how it is padded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from effsearch.search_spaces.errors import InputError, unknown_name

Norm: TypeAlias = str
"""`batch`, `layer` (over the channels of each pixel) or `group8` for groups of 8 channels."""

Padding = Literal["symmetric", "same"]


@dataclass(frozen=True)
class Style:
    """How the convolutions of a network are normalized and padded.

    Attributes:
        norm: `batch` is folded into the convolution in inference; the others are work of their
            own there.
        padding: `symmetric` has half the kernel on each side; `same` is TensorFlow's, where a
            strided convolution has the odd pixel of its padding below and to the right.
    """

    norm: Norm = "batch"
    padding: Padding = "symmetric"

    def __post_init__(self) -> None:
        if self.padding not in get_args(Padding):
            raise unknown_name("padding", self.padding, get_args(Padding))
        if self.norm not in ("batch", "layer") and not _GROUP.fullmatch(str(self.norm)):
            raise unknown_name("normalization", str(self.norm), ("batch", "layer", "group8"))

    @property
    def folds(self) -> bool:
        """Whether inference has no normalization of its own."""
        return self.norm == "batch"

    def norm_groups(self, channels: int) -> int:
        """Groups of a group normalization of so many channels; 0 for another normalization.

        Raises:
            InputError: the channels are no multiple of the group.
        """
        found = _GROUP.fullmatch(self.norm)
        if found is None:
            return 0
        size = int(found[1])
        if channels % size:
            raise InputError(
                f"{channels} channels cannot be normalized in groups of {size}: they are no "
                f"multiple of it, take another norm than '{self.norm}' or other channels"
            )
        return channels // size

    def padded(self, size: int, kernel: int, stride: int) -> tuple[int, int]:
        """Zeros before and behind a side of `size` pixels."""
        if self.padding == "symmetric" or stride == 1:
            return kernel // 2, kernel // 2
        return same_padding(size, kernel, stride)


_GROUP = re.compile(r"group([1-9]\d{0,5})")
PLAIN = Style()
"""Batch normalization, padded alike on both sides."""


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's `SAME`: what the last window lacks, the odd pixel behind."""
    lacking = max(0, (-(-size // stride) - 1) * stride + kernel - size)
    return lacking // 2, lacking - lacking // 2


def style_of(network: Mapping[str, Any]) -> Style:
    """The style that an architecture of these fields has."""
    return Style(network.get("norm", PLAIN.norm), network.get("padding", PLAIN.padding))

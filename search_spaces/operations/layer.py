"""The layers that networks are made of, as plain data.

An operation says which layers its block has, in order. The count, the torch module, the program
that is timed and the names of published weights all follow from that one list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Convolution:
    """A convolution, padded so that the size shrinks by the stride alone.

    Attributes:
        names: what timm calls the convolution and its normalization within the block.
        into, out: channels; both are multiples of `groups`.
        kernel, stride, groups: as in torch.
        active: the network's activation follows.
        norm: batch normalization follows; else the convolution has a bias.
    """

    names: Pair
    into: int
    out: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    active: bool = True
    norm: bool = True


@dataclass(frozen=True)
class SqueezeExcite:
    """Channel gates from the pooled features (Hu et al. 2018).

    Attributes:
        names: what timm calls its two convolutions within the block.
        channels: that are gated.
        reduced: between the two convolutions.
    """

    names: Pair
    channels: int
    reduced: int


@dataclass(frozen=True)
class MaxPool:
    """3×3 max pooling, padded so that the size shrinks by the stride alone."""

    stride: int = 2


@dataclass(frozen=True)
class GlobalPool:
    """The mean over all pixels: one pixel is left."""


Layer: TypeAlias = Convolution | SqueezeExcite | MaxPool | GlobalPool


def is_lone(layers: Sequence[Layer]) -> bool:
    """Whether one convolution stands alone: its modules are then named one level shorter."""
    return sum(isinstance(layer, Convolution) for layer in layers) == 1


def squeezed(channels: int, reduced: int) -> tuple[Layer, ...]:
    """Squeeze-excite of a block of timm's EfficientNet; nothing where `reduced` is 0."""
    if not reduced:
        return ()
    return (SqueezeExcite(("se.conv_reduce", "se.conv_expand"), channels, reduced),)

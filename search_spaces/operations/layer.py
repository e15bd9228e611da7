"""The layers that networks are made of, as plain data.

An operation says which layers its block has, in order. The count, the torch module, the program
that is timed and the names of published weights all follow from that one list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from effsearch.search_spaces.activations import Activation, Gate
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.squeeze import SQUEEZES

Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Convolution:
    """A convolution, padded so that the size shrinks by the stride alone.

    Attributes:
        names: what timm calls the convolution and its normalization within the block.
        into, out: channels; both are multiples of `groups`.
        kernel, stride, groups: as in torch.
        active: the block's activation follows.
        after: batch normalization, a bias, or nothing between convolution and activation.
    """

    names: Pair
    into: int
    out: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    active: bool = True
    after: Literal["norm", "bias", "plain"] = "norm"


@dataclass(frozen=True)
class SqueezeExcite:
    """Channel gates from the pooled features (Hu et al. 2018).

    Attributes:
        names: what timm calls its two convolutions within the block.
        channels: that are gated.
        reduced: between the two convolutions.
        activation: behind the first; None for the block's.
        gate: behind the second.
    """

    names: Pair
    channels: int
    reduced: int
    activation: Activation | None = None
    gate: Gate = "sigmoid"


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


_MOBILE: Pair = ("se.conv_reduce", "se.conv_expand")


def squeezed(block: Block, channels: int, names: Pair = _MOBILE) -> tuple[Layer, ...]:
    """A block's squeeze-excite on `channels` channels; nothing where it has none."""
    if not block.se_channels:
        return ()
    entry = SQUEEZES[block.squeeze]
    return (SqueezeExcite(names, channels, block.se_channels, entry.activation, entry.gate),)

"""The layers that networks are made of, as plain data.

An operation says which layers its block has, in order. The count, the torch module, the program
that is timed and the names of published weights all follow from that one list.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from effsearch.search_spaces.activations import Activation, Gate
from effsearch.search_spaces.block import Block, Kernel, widest
from effsearch.search_spaces.squeeze import SQUEEZES

Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Convolution:
    """A convolution, padded so that the size shrinks by the stride alone.

    Attributes:
        names: what timm calls the convolution and its normalization within the block.
        into, out: channels; both are multiples of `groups`.
        kernel, stride, groups: as in torch; several kernels share the channels.
        active: the block's activation follows.
        after: normalization, a bias, or nothing between convolution and activation.
        experts: kernels that a `Router` before it mixes one of, for each image; 0 for a plain one.
    """

    names: Pair
    into: int
    out: int
    kernel: Kernel = 1
    stride: int = 1
    groups: int = 1
    active: bool = True
    after: Literal["norm", "bias", "plain"] = "norm"
    experts: int = 0

    @property
    def parts(self) -> tuple["Convolution", ...]:
        """One for each kernel, on its share of the channels; the first takes what is left over."""
        if isinstance(self.kernel, int):
            return (self,)
        count = len(self.kernel)
        depthwise = self.groups > 1
        shares = zip(self.kernel, _shares(self.into, count), _shares(self.out, count), strict=True)
        conv, norm = self.names
        return tuple(
            replace(
                self,
                names=(f"{conv}.{place}", norm),
                into=into,
                out=out,
                kernel=kernel,
                groups=into if depthwise else 1,
            )
            for place, (kernel, into, out) in enumerate(shares)
        )

    @property
    def weights(self) -> int:
        """Numbers in its kernels, those of every expert."""
        one = sum(
            widest(part.kernel) ** 2 * (part.into // part.groups) * part.out for part in self.parts
        )
        return one * max(1, self.experts)


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
class Router:
    """Says how much of each expert an image gets (CondConv, arXiv 1904.04971): the pooled input,
    a linear layer with bias, a sigmoid. What comes in goes out as it is.

    Attributes:
        names: what timm calls its linear layer within the block.
        channels: that come in.
        experts: of every convolution behind it in the block that has experts.
    """

    names: Pair
    channels: int
    experts: int


@dataclass(frozen=True)
class MaxPool:
    """3×3 max pooling, padded so that the size shrinks by the stride alone."""

    stride: int = 2


@dataclass(frozen=True)
class GlobalPool:
    """The mean over all pixels: one pixel is left."""


Layer: TypeAlias = Convolution | SqueezeExcite | Router | MaxPool | GlobalPool


def _shares(channels: int, count: int) -> list[int]:
    share = channels // count
    return [channels - share * (count - 1), *[share] * (count - 1)]


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

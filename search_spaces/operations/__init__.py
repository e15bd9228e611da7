"""The kinds of blocks. A new one is a file beside these and a line here."""

from functools import lru_cache

from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations.basic import BASIC
from effsearch.search_spaces.operations.bottleneck import BOTTLENECK
from effsearch.search_spaces.operations.conv import CONV
from effsearch.search_spaces.operations.fused_mbconv import EDGE_RESIDUAL, FUSED_MBCONV
from effsearch.search_spaces.operations.identity import IDENTITY
from effsearch.search_spaces.operations.layer import Convolution, Layer
from effsearch.search_spaces.operations.mbconv import (
    DEPTHWISE_SEPARABLE,
    INVERTED_RESIDUAL,
    MBCONV,
)
from effsearch.search_spaces.operations.operation import Operation
from effsearch.search_spaces.operations.universal import UNIVERSAL

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        CONV,
        DEPTHWISE_SEPARABLE,
        MBCONV,
        INVERTED_RESIDUAL,
        FUSED_MBCONV,
        EDGE_RESIDUAL,
        UNIVERSAL,
        BASIC,
        BOTTLENECK,
        IDENTITY,
    )
}
"""Every operation by its name."""


@lru_cache(maxsize=2**16)
def block_layers(block: Block) -> tuple[Layer, ...]:
    """The layers of a block in order, its shortcut's left out."""
    return OPERATIONS[block.op].layers(block)


def projection(block: Block) -> Convolution:
    """The 1×1 convolution of a block's `projection` shortcut."""
    names = ("downsample.0", "downsample.1")
    return Convolution(
        names, block.in_channels, block.out_channels, stride=block.stride, active=False
    )

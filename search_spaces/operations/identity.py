"""Nothing, or a 1×1 convolution with normalization where the shape changes."""

from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations.layer import Convolution, Layer
from effsearch.search_spaces.operations.operation import Operation


def _layers(block: Block) -> tuple[Layer, ...]:
    into, out = block.in_channels, block.out_channels
    return (Convolution(("conv", "bn1"), into, out, stride=block.stride, active=False),)


IDENTITY = Operation(name="identity", code="id", label="Identity", layers=_layers, resamples=True)

"""Convolution, normalization, activation."""

from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations.layer import Convolution, Layer, squeezed
from effsearch.search_spaces.operations.operation import Operation


def _layers(block: Block) -> tuple[Layer, ...]:
    into, out = block.in_channels, block.out_channels
    conv = Convolution(("conv", "bn1"), into, out, block.kernel, block.stride, block.groups)
    return (conv, *squeezed(block, out))


CONV = Operation(
    name="conv",
    code="cn",
    label="Conv",
    layers=_layers,
    grouped="input",
    default_skip="none",  # timm's, as `_skip` adds it
    schemes=("timm", "torchvision"),
)

"""ResNet's basic block (arXiv 1512.03385): two convolutions, the stride in the first."""

from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations.layer import Convolution, Layer, squeezed
from effsearch.search_spaces.operations.operation import Operation, of_output


def _layers(block: Block) -> tuple[Layer, ...]:
    into, mid, out, kernel = (
        block.in_channels,
        block.mid_channels,
        block.out_channels,
        block.kernel,
    )
    return (
        Convolution(("conv1", "bn1"), into, mid, kernel, block.stride, block.groups),
        Convolution(("conv2", "bn2"), mid, out, kernel, active=False),
        *squeezed(block, out, ("se.fc1", "se.fc2")),
    )


BASIC = Operation(
    name="basic",
    code="bs",
    label="Basic",
    layers=_layers,
    hidden=of_output,
    grouped="hidden",
    projects=True,
    active_sum=True,
    schemes=("resnet",),
)

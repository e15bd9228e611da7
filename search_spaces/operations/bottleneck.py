"""ResNet's bottleneck (arXiv 1512.03385), the stride in its 3×3 convolution (v1.5)."""

from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations.layer import Convolution, Layer, squeezed
from effsearch.search_spaces.operations.operation import Operation, of_output
from effsearch.search_spaces.squeeze import SQUEEZES


def _layers(block: Block) -> tuple[Layer, ...]:
    into, mid, out = block.in_channels, block.mid_channels, block.out_channels
    behind = SQUEEZES[block.squeeze].of == "output"
    return (
        Convolution(("conv1", "bn1"), into, mid),
        Convolution(("conv2", "bn2"), mid, mid, block.kernel, block.stride, block.groups),
        *(() if behind else squeezed(block, mid)),
        Convolution(("conv3", "bn3"), mid, out, active=False),
        *(squeezed(block, out, ("se.fc1", "se.fc2")) if behind else ()),
    )


BOTTLENECK = Operation(
    name="bottleneck",
    code="bt",
    label="Bottleneck",
    layers=_layers,
    hidden=of_output,
    grouped="hidden",
    projects=True,
    active_sum=True,
    schemes=("resnet",),
)

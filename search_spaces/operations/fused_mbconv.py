"""EfficientNetV2's Fused-MBConv: expansion and depthwise convolution in one (arXiv 2104.00298)."""

from dataclasses import replace

from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations.layer import Convolution, Layer, squeezed
from effsearch.search_spaces.operations.operation import Operation, of_input


def _layers(block: Block) -> tuple[Layer, ...]:
    into, mid, out = block.in_channels, block.mid_channels, block.out_channels
    return (
        Convolution(("conv_exp", "bn1"), into, mid, block.kernel, block.stride, block.groups),
        *squeezed(block, mid),
        Convolution(("conv_pwl", "bn2"), mid, out, active=False),
    )


FUSED_MBCONV = Operation(
    name="fused_mbconv",
    code="er",
    label="Fused-MBConv{expand:g}",
    layers=_layers,
    hidden=of_input,
    rounds=True,
    grouped="hidden",
    kept="edge_residual",
    unexpanded="conv",  # nothing expands, so nothing is left to project (EfficientNetV2, stage 1)
    schemes=("timm", "torchvision"),
)

EDGE_RESIDUAL = replace(
    FUSED_MBCONV,
    name="edge_residual",
    label="EdgeResidual{expand:g}",
    kept=None,
    pointwise=True,
    unexpanded=None,
    expanded="fused_mbconv",
    schemes=("timm",),
)
"""Fused-MBConv that keeps its 1×1 projection where nothing expands, as timm's `er_…_e1` does."""

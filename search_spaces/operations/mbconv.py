"""MobileNetV2's inverted residual (arXiv 1801.04381) and MobileNetV1's separable convolution."""

from dataclasses import replace

from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations.layer import Convolution, Layer, squeezed
from effsearch.search_spaces.operations.operation import Operation, of_input


def _layers(block: Block) -> tuple[Layer, ...]:
    into, mid, out = block.in_channels, block.mid_channels, block.out_channels
    expands = mid != into or block.op == INVERTED_RESIDUAL.name
    # timm has one class with expansion and another without, which number their layers apart.
    expand = (Convolution(("conv_pw", "bn1"), into, mid),) if expands else ()
    names = ("conv_dw", "bn2" if expands else "bn1")
    depthwise = Convolution(names, mid, mid, block.kernel, block.stride, groups=mid)
    names = ("conv_pwl", "bn3") if expands else ("conv_pw", "bn2")
    project = Convolution(names, mid, out, active=False)
    return (*expand, depthwise, *squeezed(block, mid), project)


def _separable_layers(block: Block) -> tuple[Layer, ...]:
    *before, project = _layers(block)
    assert isinstance(project, Convolution)
    return (*before, replace(project, active=True))


MBCONV = Operation(
    name="mbconv",
    code="ir",
    unexpanded_code="ds",
    label="MBConv{expand:g}",
    layers=_layers,
    hidden=of_input,
    rounds=True,
    kept="inverted_residual",
    schemes=("timm", "torchvision", "torchvision_mobilenet"),
)

INVERTED_RESIDUAL = replace(
    MBCONV,
    name="inverted_residual",
    unexpanded_code=None,
    label="InvertedResidual{expand:g}",
    kept=None,
    expanded="mbconv",
    schemes=("timm",),
)
"""MBConv that keeps its 1×1 expansion where nothing expands, as timm's `ir_…_e1` does."""

DEPTHWISE_SEPARABLE = Operation(
    name="depthwise_separable",
    code="dsa",
    label="SepConv",
    layers=_separable_layers,
    default_skip="none",
    schemes=("timm",),
)

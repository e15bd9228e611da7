"""MobileNetV2's inverted residual (arXiv 1801.04381) and MobileNetV1's separable convolution."""

from dataclasses import replace

from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations.layer import Convolution, Layer, Router, squeezed
from effsearch.search_spaces.operations.operation import Operation, of_input


def _layers(block: Block) -> tuple[Layer, ...]:
    into, mid, out = block.in_channels, block.mid_channels, block.out_channels
    experts = block.experts
    expands = mid != into or block.op == INVERTED_RESIDUAL.name
    router = (Router(("routing_fn", ""), into, experts),) if experts else ()
    # timm has one class with expansion and another without, which number their layers apart.
    names = ("conv_pw", "bn1")
    expand = (Convolution(names, into, mid, block.before or 1, experts=experts),) if expands else ()
    names = ("conv_dw", "bn2" if expands else "bn1")
    groups = block.groups if block.groups > 1 else mid
    depthwise = Convolution(names, mid, mid, block.kernel, block.stride, groups, experts=experts)
    names = ("conv_pwl", "bn3") if expands else ("conv_pw", "bn2")
    project = Convolution(names, mid, out, block.after or 1, active=False, experts=experts)
    return (*router, *expand, depthwise, *squeezed(block, mid), project)


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
    grouped="hidden",
    depthwise=True,
    mixes=True,
    around="pointwise",
    conditional=True,
    kept="inverted_residual",
    schemes=("timm", "torchvision", "torchvision_mobilenet"),
)

INVERTED_RESIDUAL = replace(
    MBCONV,
    name="inverted_residual",
    unexpanded_code=None,
    label="InvertedResidual{expand:g}",
    kept=None,
    pointwise=True,
    expanded="mbconv",
    schemes=("timm",),
)
"""MBConv that keeps its 1×1 expansion where nothing expands, as timm's `ir_…_e1` does."""

DEPTHWISE_SEPARABLE = Operation(
    name="depthwise_separable",
    code="dsa",
    label="SepConv",
    layers=_separable_layers,
    grouped="hidden",
    depthwise=True,
    mixes=True,
    around="pointwise",
    default_skip="none",
    schemes=("timm",),
)

"""MobileNetV4's universal inverted bottleneck (arXiv 2404.10518): depthwise convolutions where a
kernel is given, before, within and behind an expansion and its projection.
"""

from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations.layer import Convolution, Layer, squeezed
from effsearch.search_spaces.operations.operation import Operation, of_input


def _layers(block: Block) -> tuple[Layer, ...]:
    into, mid, out = block.in_channels, block.mid_channels, block.out_channels
    stride, layers = block.stride, list[Layer]()
    if block.before:
        first = 1 if block.kernel else stride
        names = ("dw_start.conv", "dw_start.bn")
        layers.append(
            Convolution(names, into, into, block.before, first, groups=into, active=False)
        )
    layers.append(Convolution(("pw_exp.conv", "pw_exp.bn"), into, mid))
    if block.kernel:
        names = ("dw_mid.conv", "dw_mid.bn")
        layers.append(Convolution(names, mid, mid, block.kernel, stride, groups=mid))
    layers += squeezed(block, mid)
    layers.append(Convolution(("pw_proj.conv", "pw_proj.bn"), mid, out, active=False))
    if block.after:
        last = 1 if block.kernel or block.before else stride
        names = ("dw_end.conv", "dw_end.bn")
        layers.append(Convolution(names, out, out, block.after, last, groups=out, active=False))
    return tuple(layers)


UNIVERSAL = Operation(
    name="universal",
    code="uir",
    label="UIB{expand:g}",
    layers=_layers,
    hidden=of_input,
    rounds=True,
    pointwise=True,
    around="depthwise",
    schemes=("timm",),
)

"""Reads an architecture from a built network of torchvision, block by block."""

from collections.abc import Iterator
from typing import Any

from read_timm import NotExpressibleError
from torch import nn

from effsearch.search_spaces.activations import Activation
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.parts import Head, Stage, Stem

_ACTIVATIONS: dict[str, Activation] = {
    "ReLU": "relu",
    "ReLU6": "relu6",
    "SiLU": "silu",
    "Hardswish": "hard_swish",
}
MISSING = {
    "AlexNet": "no residual blocks and no normalization",
    "ConvNeXt": "blocks with layer scale and GELU",
    "DenseNet": "blocks that read all before them",
    "GoogLeNet": "blocks with branches",
    "Inception3": "blocks with branches",
    "ShuffleNetV2": "blocks with branches, channels shuffled",
    "SqueezeNet": "blocks with branches",
    "VGG": "a classifier of three layers on 7x7 pixels",
}


def read_torchvision(network: Any, resolution: int) -> Architecture:
    """The architecture of a convolutional network of `torchvision.models`.

    Raises:
        NotExpressibleError: it is of a kind that is not known here; the message says why.
    """
    kind = type(network).__name__
    if kind in MISSING:
        raise NotExpressibleError(MISSING[kind])
    stem, pool, stages, head = _READERS[kind](network)
    return Architecture(
        stem=Stem(
            channels=stem[0].out_channels,
            kernel=stem[0].kernel_size[0],
            stride=stem[0].stride[0],
            pool=pool,
        ),
        stages=tuple(stages),
        head=head,
        activation=_ACTIVATIONS[type(stem[2]).__name__],
        resolution=resolution,
        norm_eps=stem[1].eps,
    )


Parts = tuple[Any, bool, list[Stage], Head]


def _efficientnet(network: Any) -> Parts:
    stem, *groups, last = network.features
    stages = [
        _inverted(block, list(block.block), block.use_res_connect, joined=place > 0)
        for group in groups
        for place, block in enumerate(group)
    ]
    return stem, False, stages, Head(channels=last[0].out_channels)


def _mobilenet_v2(network: Any) -> Parts:
    stem, *blocks, last = network.features
    stages = []
    for block in blocks:
        *before, conv, norm = block.conv
        body = [*before, nn.Sequential(conv, norm)]
        stages.append(_inverted(block, body, block.use_res_connect))
    return stem, False, stages, Head(channels=last[0].out_channels)


def _mobilenet_v3(network: Any) -> Parts:
    stem, *blocks, last = network.features
    stages = [_inverted(block, list(block.block), block.use_res_connect) for block in blocks]
    stages.append(Stage(op="conv", kernel=1, channels=last[0].out_channels, skip="none"))
    return stem, False, stages, Head(channels=network.classifier[0].out_features, pooled="bias")


def _mnasnet(network: Any) -> Parts:
    row = list(network.layers)
    stem, first, last = row[:3], [nn.Sequential(*row[3:6]), nn.Sequential(*row[6:8])], row[14]
    stages = [_inverted(row, first, skips=False)]
    for stack in row[8:14]:
        for place, block in enumerate(stack):
            conv = list(block.layers)
            body = [nn.Sequential(*part) for part in (conv[:3], conv[3:6], conv[6:])]
            stages.append(_inverted(block, body, block.apply_residual, joined=place > 0))
    return stem, False, stages, Head(channels=last.out_channels)


def _inverted(block: Any, body: list[Any], skips: bool, *, joined: bool = False) -> Stage:
    """An inverted residual, with one convolution, with a fused expansion, or depthwise."""
    convs = [part for part in body if isinstance(part, nn.Sequential)]
    squeeze = next((part for part in body if hasattr(part, "fc1")), None)
    first, last = convs[0][0], convs[-1][0]
    into, spatial = first.in_channels, convs[-2][0] if len(convs) > 1 else first
    mid = spatial.out_channels
    op = "mbconv" if spatial.groups > 1 else "fused_mbconv" if len(convs) > 1 else "conv"
    kept = op == "mbconv" and len(convs) == 3 and mid == into
    values: dict[str, Any] = {}
    if squeeze is not None:
        reduced = squeeze.fc1.out_channels
        mobile = type(squeeze.scale_activation).__name__ == "Hardsigmoid"
        values = {
            "se": reduced / mid if mobile else (reduced + 0.5) / into,
            "squeeze": "mobilenetv3" if mobile else "efficientnet",
        }
    return Stage(
        op="inverted_residual" if kept else op,
        channels=last.out_channels,
        kernel=spatial.kernel_size[0],
        stride=spatial.stride[0],
        expand=1.0 if op == "conv" else mid / into,
        skip="identity" if skips else "none",
        activation=_ACTIVATIONS[type(convs[0][2]).__name__],
        joined=joined,
        **values,
    )


def _resnet(network: Any) -> Parts:
    stem = (network.conv1, network.bn1, network.relu)
    stages = [
        _residual(block, _convs(block), joined=place > 0)
        for group in (network.layer1, network.layer2, network.layer3, network.layer4)
        for place, block in enumerate(group)
    ]
    return stem, True, stages, Head(channels=0)


def _regnet(network: Any) -> Parts:
    stages = []
    for group in network.trunk_output:
        for place, block in enumerate(group):
            convs = [block.f.a[0], block.f.b[0], block.f.c[0]]
            stages.append(_residual(block, convs, joined=place > 0))
    return network.stem, False, stages, Head(channels=0)


def _convs(block: Any) -> list[Any]:
    return [getattr(block, name) for name in ("conv1", "conv2", "conv3") if hasattr(block, name)]


def _residual(block: Any, convs: list[Any], *, joined: bool) -> Stage:
    spatial = convs[-2]
    mid, out = spatial.out_channels, convs[-1].out_channels
    squeezes: Iterator[Any] = (part for part in block.modules() if hasattr(part, "fc1"))
    reduced = next((squeeze.fc1.out_channels for squeeze in squeezes), 0)
    return Stage(
        op="basic" if len(convs) == 2 else "bottleneck",
        channels=out,
        kernel=spatial.kernel_size[0],
        stride=max(conv.stride[0] for conv in convs),
        expand=mid / out,
        group_size=mid // spatial.groups if spatial.groups > 1 else 0,
        se=(reduced + 0.5) / convs[0].in_channels if reduced else 0.0,
        joined=joined,
    )


_READERS = {
    "EfficientNet": _efficientnet,
    "MobileNetV2": _mobilenet_v2,
    "MobileNetV3": _mobilenet_v3,
    "MNASNet": _mnasnet,
    "ResNet": _resnet,
    "RegNet": _regnet,
}

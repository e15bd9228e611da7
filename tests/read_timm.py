"""Reads an architecture from a built network of timm's EfficientNet builders, block by block."""

from typing import Any

from torch import nn

from effsearch.search_spaces.activations import Activation
from effsearch.search_spaces.architecture import Architecture, Head, Stage, Stem
from effsearch.search_spaces.squeeze import Squeeze

_ACTIVATIONS: dict[str, Activation] = {
    "ReLU": "relu",
    "ReLU6": "relu6",
    "SiLU": "silu",
    "Swish": "silu",
    "Hardswish": "hard_swish",
    "HardSwish": "hard_swish",
}
_SQUEEZES: dict[tuple[bool, str], Squeeze] = {
    (True, "Sigmoid"): "efficientnet",
    (True, "Hardsigmoid"): "fbnetv3",
    (True, "HardSigmoid"): "fbnetv3",
    (False, "Hardsigmoid"): "mobilenetv3",
    (False, "HardSigmoid"): "mobilenetv3",
}


class NotExpressibleError(Exception):
    """The network has something that an architecture here cannot say; the message says what."""


def read_timm(network: Any, resolution: int) -> Architecture:
    """The architecture of a network of `timm.models.efficientnet` or `mobilenetv3`.

    Raises:
        NotExpressibleError: something in it is not known here.
    """
    activation = _activation(network.bn1)
    stages = []
    channels = network.conv_stem.out_channels
    for number, stack in enumerate(network.blocks):
        for place, block in enumerate(stack):
            stage = _stage(block, channels, activation, joined=bool(number and place))
            stages.append(stage)
            channels = stage.channels
    _plain(network.conv_stem, groups=1)
    return Architecture(
        stem=Stem(
            channels=network.conv_stem.out_channels,
            kernel=network.conv_stem.kernel_size[0],
            stride=network.conv_stem.stride[0],
        ),
        stages=tuple(stages),
        head=_head(network),
        activation=activation,
        resolution=resolution,
        norm_eps=network.bn1.eps,
    )


def _head(network: Any) -> Head:
    if not isinstance(network.conv_head, nn.Conv2d):
        return Head(channels=0)
    channels = network.conv_head.out_channels
    if hasattr(network, "bn2"):
        return Head(channels=channels)
    if isinstance(network.norm_head, nn.Identity):
        return Head(channels=channels, pooled="plain" if network.conv_head.bias is None else "bias")
    return Head(channels=channels, pooled="norm")


def _stage(block: Any, channels: int, network: Activation, *, joined: bool) -> Stage:
    kind = type(block).__name__
    if kind == "ConvBnAct":
        _plain(block.conv, groups=1)
        return Stage(
            op="conv",
            channels=block.conv.out_channels,
            kernel=block.conv.kernel_size[0],
            stride=block.conv.stride[0],
            skip="identity" if block.has_skip else "none",
            activation=_activation(block.bn1),
            joined=joined,
        )
    if kind == "EdgeResidual":
        spatial, last, mid = block.conv_exp, block.conv_pwl, block.conv_exp.out_channels
        op = "edge_residual" if mid == channels else "fused_mbconv"
    elif kind == "InvertedResidual":
        spatial, last, mid = block.conv_dw, block.conv_pwl, block.conv_dw.out_channels
        op = "inverted_residual" if mid == channels else "mbconv"
        _plain(block.conv_pw, groups=1, kernel=1)
    elif kind == "DepthwiseSeparableConv":
        spatial, last, mid = block.conv_dw, block.conv_pw, channels
        op = "depthwise_separable" if block.has_pw_act else "mbconv"
    else:
        raise NotExpressibleError(f"the block {kind}")
    for name in ("aa", "conv_s2d"):
        if not isinstance(getattr(block, name, None), nn.Identity | None):
            raise NotExpressibleError({"aa": "anti-aliasing"}.get(name, "space to depth"))
    if kind != "EdgeResidual":
        _plain(spatial, groups=mid)
    elif not isinstance(spatial, nn.Conv2d):
        raise NotExpressibleError(f"the convolution {type(spatial).__name__}")
    _plain(last, groups=1, kernel=1)
    ratio, squeeze = _squeeze(block.se, channels, mid)
    return Stage(
        op=op,
        channels=last.out_channels,
        kernel=spatial.kernel_size[0],
        stride=spatial.stride[0],
        expand=mid / channels,
        group_size=mid // spatial.groups if 1 < spatial.groups < mid else 0,
        se=ratio,
        squeeze=squeeze,
        skip="identity" if block.has_skip else "none",
        activation=_activation(block.bn1),
        joined=joined,
    )


def _squeeze(module: Any, channels: int, mid: int) -> tuple[float, Squeeze]:
    if isinstance(module, nn.Identity):
        return 0.0, "efficientnet"
    if type(module).__name__ != "SqueezeExcite":
        raise NotExpressibleError(f"the attention {type(module).__name__}")
    inner, gate = type(module.act1).__name__, type(module.gate).__name__
    reduced = module.conv_reduce.out_channels
    kind = _SQUEEZES.get((inner != "ReLU" or gate == "Sigmoid", gate))
    if kind is None:
        raise NotExpressibleError(f"a squeeze with {inner} and {gate}")
    if kind == "efficientnet" or reduced % 8:
        kind = "efficientnet" if kind == "efficientnet" else "lcnet"
        return (reduced + 0.5) / channels, kind
    return reduced / mid, kind


def _plain(conv: Any, *, groups: int, kernel: int | None = None) -> None:
    if not isinstance(conv, nn.Conv2d):
        raise NotExpressibleError(f"the convolution {type(conv).__name__}")
    if conv.groups != groups:
        raise NotExpressibleError("grouped convolutions in such blocks")
    if kernel is not None and conv.kernel_size != (kernel, kernel):
        raise NotExpressibleError("a kernel that is not 1x1 where channels change")


def _activation(norm: Any) -> Activation:
    if not isinstance(norm, nn.BatchNorm2d):
        raise NotExpressibleError(f"the normalization {type(norm).__name__}")
    act = type(getattr(norm, "act", None)).__name__
    if act not in _ACTIVATIONS:
        raise NotExpressibleError(f"the activation {act}")
    return _ACTIVATIONS[act]

"""Reads an architecture from a built network of timm's EfficientNet builders, block by block."""

from typing import Any

from torch import nn

from effsearch.search_spaces.activations import Activation
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Kernel
from effsearch.search_spaces.parts import Head, Stage, Stem
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
    for stack in network.blocks:
        for place, block in enumerate(stack):
            stage = _stage(block, channels, activation, joined=place > 0)
            stages.append(stage)
            channels = stage.channels
    _plain(network.conv_stem, groups=1)
    convs = {type(module).__name__ for module in network.modules()}
    conditional = (m for m in network.modules() if type(m).__name__ == "CondConv2d")
    same = "Conv2dSame" in convs or any(conv.dynamic_padding for conv in conditional)
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
        norm=_norm(network.bn1),
        padding="same" if same else "symmetric",
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
    for module in block.modules():
        name = type(module).__name__
        if name in ("BlurPool2d", "AvgPool2d"):
            raise NotExpressibleError("anti-aliasing")
    if getattr(block, "conv_s2d", None) is not None:
        raise NotExpressibleError("space to depth")
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
    if kind == "UniversalInvertedResidual":
        return _universal(block, channels, joined=joined)
    experts = 0
    before = after = 0
    if kind == "EdgeResidual":
        spatial, last, mid = block.conv_exp, block.conv_pwl, block.conv_exp.out_channels
        op = "edge_residual" if mid == channels else "fused_mbconv"
    elif kind in ("InvertedResidual", "CondConvResidual"):
        spatial, last, mid = block.conv_dw, block.conv_pwl, block.conv_dw.out_channels
        op = "inverted_residual" if mid == channels else "mbconv"
        before = _kernels(block.conv_pw)
        experts = getattr(block, "num_experts", 0)
    elif kind == "DepthwiseSeparableConv":
        spatial, last, mid = block.conv_dw, block.conv_pw, channels
        op = "depthwise_separable" if block.has_pw_act else "mbconv"
    else:
        raise NotExpressibleError(f"the block {kind}")
    if kind != "EdgeResidual":
        after = _kernels(last)
    ratio, squeeze = _squeeze(block.se, channels, mid)
    groups = getattr(spatial, "groups", mid)  # several kernels are depthwise
    usual = 1 if kind == "EdgeResidual" else mid
    return Stage(
        op=op,
        channels=last.out_channels,
        kernel=_kernels(spatial),
        stride=_first(spatial).stride[0],
        expand=mid / channels,
        group_size=mid // groups if groups != usual else 0,
        se=ratio,
        squeeze=squeeze,
        skip="identity" if block.has_skip else "none",
        activation=_activation(block.bn1),
        joined=joined,
        kernel_before=before,
        kernel_after=after,
        experts=experts,
    )


def _universal(block: Any, channels: int, *, joined: bool) -> Stage:
    start, middle, end = (
        None if isinstance(part, nn.Identity) else part.conv
        for part in (block.dw_start, block.dw_mid, block.dw_end)
    )
    if not isinstance(block.layer_scale, nn.Identity):
        raise NotExpressibleError("layer scale")
    mid = block.pw_exp.conv.out_channels
    ratio, squeeze = _squeeze(block.se, channels, mid)
    return Stage(
        op="universal",
        channels=block.pw_proj.conv.out_channels,
        kernel=middle.kernel_size[0] if middle else 0,
        stride=max(conv.stride[0] for conv in (start, middle, end) if conv)
        if start or middle or end
        else 1,
        expand=mid / channels,
        se=ratio,
        squeeze=squeeze,
        skip="identity" if block.has_skip else "none",
        activation=_activation(block.pw_exp.bn),
        joined=joined,
        kernel_before=start.kernel_size[0] if start else 0,
        kernel_after=end.kernel_size[0] if end else 0,
    )


def _kernels(conv: Any) -> Kernel:
    """The kernel of a convolution, or of the several that share its channels."""
    if isinstance(conv, nn.ModuleDict):
        return tuple(part.kernel_size[0] for part in conv.values())
    return int(conv.kernel_size[0])


def _first(conv: Any) -> Any:
    return next(iter(conv.values())) if isinstance(conv, nn.ModuleDict) else conv


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


def _plain(conv: Any, *, groups: int) -> None:
    if not isinstance(conv, nn.Conv2d):
        raise NotExpressibleError(f"the convolution {type(conv).__name__}")
    if conv.groups != groups:
        raise NotExpressibleError("grouped convolutions in such blocks")


def _norm(norm: Any) -> str:
    if isinstance(norm, nn.BatchNorm2d):
        return "batch"
    if isinstance(norm, nn.GroupNorm):
        return f"group{norm.num_channels // norm.num_groups}"
    return "layer"


def _activation(norm: Any) -> Activation:
    if not isinstance(norm, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm):
        raise NotExpressibleError(f"the normalization {type(norm).__name__}")
    act = type(getattr(norm, "act", None)).__name__
    if act not in _ACTIVATIONS:
        raise NotExpressibleError(f"the activation {act}")
    return _ACTIVATIONS[act]

"""The torch network an architecture describes: one builder for search, grid, family and zoo."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from effsearch.search_spaces.activations import ACTIVATIONS, GATES, Activation
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.conditional import CondConv2d, Conditional, Router, pad_same
from effsearch.search_spaces.convolution import Conv2d
from effsearch.search_spaces.operations import OPERATIONS, block_layers, layer, projection
from effsearch.search_spaces.stem_and_head import head_layers, stem_layers
from effsearch.search_spaces.style import Style
from effsearch.search_spaces.zoo import NetworkLike, as_architecture


def build_network(
    architecture: NetworkLike,
    *,
    classes: int | None = None,
    in_channels: int | None = None,
    dropout: float = 0.0,
    drop_path: float = 0.0,
    norm_momentum: float = 0.01,
) -> "Network":
    """Build the network, initialised as EfficientNet's code does it, on torch's default device.

    Args:
        architecture: what to build, in any way one has it (see `as_architecture`).
        classes: outputs, where they differ from the architecture's.
        in_channels: image channels, where they differ from the architecture's.
        dropout: probability in front of the classifier, in [0, 1).
        drop_path: stochastic depth of the last block, in [0, 1); grows linearly from 0 with the
            block's index (EfficientNet: 0.2).
        norm_momentum: of batch normalization, in torch's sense. The published 0.01 needs some
            hundred steps to settle; short trainings want 0.1.

    Returns:
        A module from images (N, in_channels, H, W) to logits (N, classes), for any H and W.

    Raises:
        InputError: what was given is no network.

    Example:
        >>> import torch
        >>> network = build_network("efficientnet_b0", classes=10)
        >>> network(torch.zeros(2, 3, 64, 64)).shape
        torch.Size([2, 10])
    """
    architecture = as_architecture(architecture)
    network = Network(
        architecture,
        classes=classes or architecture.classes,
        in_channels=in_channels or architecture.in_channels,
        dropout=dropout,
        drop_path=drop_path,
        norm_momentum=norm_momentum,
    )
    network.apply(initialise)
    return network


class Network(nn.Module):
    """Stem, blocks, head. `features` gives the last feature map, `forward` the logits."""

    def __init__(
        self,
        architecture: Architecture,
        *,
        classes: int,
        in_channels: int,
        dropout: float,
        drop_path: float,
        norm_momentum: float,
    ) -> None:
        super().__init__()
        self.architecture = architecture
        norm = _Norm(architecture.style, architecture.norm_eps, norm_momentum)
        make = _Layers(architecture.activation, norm)
        self.stem = make.body(stem_layers(architecture.stem, in_channels))
        blocks = architecture.blocks
        self.blocks = nn.Sequential(
            *(
                build_block(block, make, drop_path * index / len(blocks))
                for index, block in enumerate(blocks)
            )
        )
        last = head_layers(architecture.head, architecture.stages[-1].channels, classes)
        pooling = last.index(layer.GlobalPool())
        before, behind = last[:pooling], last[pooling + 1 : -1]
        self.head = make.body(before or behind) if before or behind else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(architecture.features, classes)

    def features(self, images: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, features, H / strides, W / strides)."""
        features: Tensor = self.blocks(self.stem(images))
        return features if self.architecture.head.pooled else self.head(features)

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.features(images))

    def classify(self, features: Tensor) -> Tensor:
        """What `features` gave → logits (N, classes)."""
        if self.architecture.head.pooled:
            pooled = self.head(features.mean((2, 3), keepdim=True)).flatten(1)
        else:
            pooled = features.mean((2, 3))  # (N, features)
        logits: Tensor = self.classifier(self.dropout(pooled))  # (N, classes)
        return logits


@dataclass(frozen=True)
class _Norm:
    """How a network normalizes and pads."""

    style: Style
    eps: float
    momentum: float

    def module(self, channels: int) -> nn.Module:
        if self.style.folds:
            return nn.BatchNorm2d(channels, eps=self.eps, momentum=self.momentum)
        if groups := self.style.norm_groups(channels):
            return nn.GroupNorm(groups, channels, eps=self.eps)
        return LayerNorm2d(channels, eps=self.eps)


class _Layers:
    """Makes modules with one network's normalization, and its activation or a block's own."""

    def __init__(self, activation: Activation, norm: _Norm) -> None:
        self._activation, self._norm = activation, norm

    def of(self, block: Block) -> "_Layers":
        """Such as makes the modules of a block."""
        if block.activation is None:
            return self
        return _Layers(block.activation, self._norm)

    def activation(self, own: Activation | None = None) -> nn.Module:
        """The block's activation, or another."""
        entry = ACTIVATIONS[own or self._activation]
        module: nn.Module = getattr(nn, entry.torch)(inplace=entry.from_output)
        return module

    def module(self, made: layer.Layer) -> nn.Module:
        """A layer of the body of a network; its classifier is made apart."""
        match made:
            case layer.Convolution():
                return self.conv(made)
            case layer.SqueezeExcite():
                activation = self.activation(made.activation)
                gate: nn.Module = getattr(nn, GATES[made.gate])()
                return SqueezeExcite(made.channels, made.reduced, activation, gate)
            case layer.Router():
                return Router(made.channels, made.experts)
            case layer.MaxPool():
                return nn.MaxPool2d(3, stride=made.stride, padding=1)
            case layer.GlobalPool():
                return nn.AdaptiveAvgPool2d(1)

    def conv(self, conv: layer.Convolution) -> nn.Sequential:
        """Convolution, normalization, activation."""
        parts = [self._part(part) for part in conv.parts]
        body = nn.Sequential(
            parts[0] if len(parts) == 1 else MixedConv2d(parts, [part.into for part in conv.parts])
        )
        if conv.after == "norm":
            body.append(self._norm.module(conv.out))
        return body.append(self.activation()) if conv.active else body

    def _part(self, conv: layer.Convolution) -> nn.Module:
        assert isinstance(conv.kernel, int)
        same = self._norm.style.padding == "same"
        if conv.experts:
            return CondConv2d(
                conv.into,
                conv.out,
                conv.kernel,
                conv.stride,
                conv.groups,
                experts=conv.experts,
                same=same,
            )
        return (SameConv2d if same and conv.stride > 1 else Conv2d)(
            conv.into,
            conv.out,
            conv.kernel,
            conv.stride,
            conv.kernel // 2,
            groups=conv.groups,
            bias=conv.after == "bias",
        )

    def body(self, layers: Sequence[layer.Layer]) -> nn.Sequential:
        """Layers in a row; a lone convolution is not nested."""
        first, *rest = [self.module(made) for made in layers]
        if isinstance(first, Router):
            return Conditional(first, *rest)
        if layer.is_lone(layers) and isinstance(first, nn.Sequential):
            return first.extend(rest)
        return nn.Sequential(first, *rest)


def build_block(block: Block, make: _Layers, drop_path: float) -> nn.Module:
    """One block, wrapped in its shortcut where it has one."""
    make = make.of(block)
    body = make.body(block_layers(block))
    activation = make.activation() if OPERATIONS[block.op].active_sum else nn.Identity()
    if block.shortcut == "none":
        return body.append(activation)
    return Residual(body, _shortcut(block, make), activation, drop_path)


def _shortcut(block: Block, make: _Layers) -> nn.Module:
    if block.shortcut == "projection":
        return make.conv(projection(block))
    if block.shortcut == "pool":
        return PoolShortcut(block.stride, block.out_channels - block.in_channels)
    return nn.Identity()


class SameConv2d(Conv2d):
    """A strided convolution, padded as TensorFlow pads."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)."""
        x = pad_same(x, self.kernel_size[0], self.stride[0])
        bias = self.bias
        return nn.functional.conv2d(x, self.weight, bias, self.stride, groups=self.groups)


class MixedConv2d(nn.ModuleList):
    """Convolutions of several kernels, each on its share of the channels."""

    def __init__(self, convs: Sequence[nn.Module], shares: Sequence[int]) -> None:
        super().__init__(convs)
        self.shares = list(shares)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H', W')."""
        shares = torch.split(x, self.shares, 1)
        return torch.cat([conv(share) for conv, share in zip(self, shares, strict=True)], 1)


class LayerNorm2d(nn.LayerNorm):
    """Layer normalization over the channels of each pixel, of maps (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → the same shape."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Residual(nn.Module):
    """`activation(shortcut(x) + body(x))`, the body dropped for a share of the batch in training
    (stochastic depth; survivors are scaled up so that the expectation stays)."""

    def __init__(
        self, body: nn.Module, shortcut: nn.Module, activation: nn.Module, drop_path: float
    ) -> None:
        super().__init__()
        self.body, self.shortcut, self.activation = body, shortcut, activation
        self.drop_path = drop_path

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        if self.training and self.drop_path:
            keep = 1.0 - self.drop_path
            survives = torch.rand(len(y), 1, 1, 1, device=y.device, dtype=y.dtype) < keep
            y = y * survives / keep
        result: Tensor = self.activation(y + self.shortcut(x))
        return result


class PoolShortcut(nn.Module):
    """MnasNet's pooling skip: 3×3 average pooling, zero channels behind where the block widens."""

    def __init__(self, stride: int, extra_channels: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
        self.extra_channels = extra_channels

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(x)
        if not self.extra_channels:
            return x
        return nn.functional.pad(x, (0, 0, 0, 0, 0, self.extra_channels))


class SqueezeExcite(nn.Module):
    """Channel gates from the pooled features (Hu et al. 2018)."""

    def __init__(
        self, channels: int, reduced: int, activation: nn.Module, gate: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.reduce = Conv2d(channels, reduced, 1)
        self.activation = activation
        self.expand = Conv2d(reduced, channels, 1)
        self.gate = gate or nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        gates = x.mean((2, 3), keepdim=True)  # (N, channels, 1, 1)
        scaled: Tensor = x * self.gate(self.expand(self.activation(self.reduce(gates))))
        return scaled


def initialise(module: nn.Module) -> None:
    """EfficientNet's initialisation: kernels N(0, √(2 / fan_out)), classifier U(±1/√classes)."""
    if isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
        nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 * module.groups / fan_out))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        bound = 1.0 / math.sqrt(module.out_features)
        nn.init.uniform_(module.weight, -bound, bound)
        nn.init.zeros_(module.bias)

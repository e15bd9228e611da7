"""The torch network an architecture describes: one builder for search, grid, family and zoo."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from effsearch.search_spaces.architecture import Architecture, Block

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "relu6": lambda: nn.ReLU6(inplace=True),
    "silu": lambda: nn.SiLU(inplace=True),
    "hard_swish": lambda: nn.Hardswish(inplace=True),
}


def build_network(
    architecture: Architecture,
    *,
    classes: int | None = None,
    in_channels: int | None = None,
    dropout: float = 0.0,
    drop_path: float = 0.0,
    norm_momentum: float = 0.01,
) -> "Network":
    """Build the network, initialised as EfficientNet's code does it, on torch's default device.

    Args:
        architecture: what to build.
        classes: outputs, where they differ from the architecture's.
        in_channels: image channels, where they differ from the architecture's.
        dropout: probability in front of the classifier, in [0, 1).
        drop_path: stochastic depth of the last block, in [0, 1); grows linearly from 0 with the
            block's index (EfficientNet: 0.2).
        norm_momentum: of batch normalization, in torch's sense. The published 0.01 needs some
            hundred steps to settle; short trainings want 0.1.

    Returns:
        A module from images (N, in_channels, H, W) to logits (N, classes), for any H and W.
    """
    network = Network(
        architecture,
        classes=classes or architecture.classes,
        in_channels=in_channels or architecture.in_channels,
        dropout=dropout,
        drop_path=drop_path,
        norm_momentum=norm_momentum,
    )
    network.apply(_initialise)
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
        make = _Layers(architecture.activation, architecture.norm_eps, norm_momentum)
        stem, head = architecture.stem, architecture.head
        self.stem = make.conv(in_channels, stem.channels, stem.kernel, stem.stride)
        if stem.pool:
            self.stem.append(nn.MaxPool2d(3, stride=2, padding=1))
        blocks = architecture.blocks
        self.blocks = nn.Sequential(
            *(
                build_block(block, make, drop_path * index / len(blocks))
                for index, block in enumerate(blocks)
            )
        )
        last = architecture.stages[-1].channels
        self.head = make.conv(last, head.channels, 1) if head.channels else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(architecture.features, classes)

    def features(self, images: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, features, H / strides, W / strides)."""
        features: Tensor = self.head(self.blocks(self.stem(images)))
        return features

    def forward(self, images: Tensor) -> Tensor:
        pooled = self.features(images).mean((2, 3))  # (N, features)
        logits: Tensor = self.classifier(self.dropout(pooled))  # (N, classes)
        return logits


class _Layers:
    """Makes convolutions with one network's normalization and activation."""

    def __init__(self, activation: str, eps: float, momentum: float) -> None:
        self.activation = _ACTIVATIONS[activation]
        self._eps, self._momentum = eps, momentum

    def conv(
        self, into: int, out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> nn.Sequential:
        """Convolution, normalization, activation."""
        return self.linear_conv(into, out, kernel, stride, groups).append(self.activation())

    def linear_conv(
        self, into: int, out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> nn.Sequential:
        """Convolution and normalization, padded so that size shrinks by the stride alone."""
        return nn.Sequential(
            nn.Conv2d(into, out, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(out, eps=self._eps, momentum=self._momentum),
        )


def build_block(block: Block, make: _Layers, drop_path: float) -> nn.Module:
    """One block, wrapped in its shortcut where it has one."""
    body = _bodies[block.op](block, make)
    activation = make.activation() if block.op == "bottleneck" else nn.Identity()
    if block.shortcut == "none":
        return body.append(activation)
    return Residual(body, _shortcut(block, make), activation, drop_path)


def _shortcut(block: Block, make: _Layers) -> nn.Module:
    if block.shortcut == "projection":
        return make.linear_conv(block.in_channels, block.out_channels, 1, block.stride)
    if block.shortcut == "pool":
        return PoolShortcut(block.stride, block.out_channels - block.in_channels)
    return nn.Identity()


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

    def __init__(self, channels: int, reduced: int, activation: nn.Module) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, reduced, 1)
        self.activation = activation
        self.expand = nn.Conv2d(reduced, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gates = x.mean((2, 3), keepdim=True)  # (N, channels, 1, 1)
        gates = self.expand(self.activation(self.reduce(gates))).sigmoid()
        scaled: Tensor = x * gates
        return scaled


def _conv_body(block: Block, make: _Layers) -> nn.Sequential:
    body = make.conv(block.in_channels, block.out_channels, block.kernel, block.stride)
    return _squeezed(body, block, block.out_channels, make)


def _separable_body(block: Block, make: _Layers) -> nn.Sequential:
    return _mbconv_body(block, make).append(make.activation())


def _mbconv_body(block: Block, make: _Layers) -> nn.Sequential:
    into, mid, kernel = block.in_channels, block.mid_channels, block.kernel
    body = nn.Sequential()
    if mid != into:
        body.append(make.conv(into, mid, 1))
    body.append(make.conv(mid, mid, kernel, block.stride, groups=mid))
    _squeezed(body, block, mid, make)
    return body.append(make.linear_conv(mid, block.out_channels, 1))


def _fused_body(block: Block, make: _Layers) -> nn.Sequential:
    mid = block.mid_channels
    body = nn.Sequential(make.conv(block.in_channels, mid, block.kernel, block.stride))
    _squeezed(body, block, mid, make)
    return body.append(make.linear_conv(mid, block.out_channels, 1))


def _bottleneck_body(block: Block, make: _Layers) -> nn.Sequential:
    mid, kernel = block.mid_channels, block.kernel
    body = nn.Sequential(
        make.conv(block.in_channels, mid, 1), make.conv(mid, mid, kernel, block.stride)
    )
    _squeezed(body, block, mid, make)
    return body.append(make.linear_conv(mid, block.out_channels, 1))


def _identity_body(block: Block, make: _Layers) -> nn.Sequential:
    return make.linear_conv(block.in_channels, block.out_channels, 1, block.stride)


_bodies: dict[str, Callable[[Block, _Layers], nn.Sequential]] = {
    "conv": _conv_body,
    "depthwise_separable": _separable_body,
    "mbconv": _mbconv_body,
    "fused_mbconv": _fused_body,
    "bottleneck": _bottleneck_body,
    "identity": _identity_body,
}


def _squeezed(body: nn.Sequential, block: Block, channels: int, make: _Layers) -> nn.Sequential:
    if block.se_channels:
        body.append(SqueezeExcite(channels, block.se_channels, make.activation()))
    return body


def _initialise(module: nn.Module) -> None:
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

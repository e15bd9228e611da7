"""Conditionally parameterized convolutions (CondConv, arXiv 1904.04971): every image mixes a
kernel of its own from a few experts, in shares that follow from the block's input.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from effsearch.search_spaces.style import same_padding


class CondConv2d(nn.Module):
    """A convolution without bias whose kernel is a weighted sum of experts.

    Args:
        into, out, kernel, stride, groups: as in torch.
        experts: how many kernels there are.
        same: padded as TensorFlow pads.

    Attributes:
        any_batch: computes without the size of the batch, at the price of every expert; exports set
            it.
    """

    bias = None
    any_batch = False

    def __init__(
        self,
        into: int,
        out: int,
        kernel: int,
        stride: int,
        groups: int,
        *,
        experts: int,
        same: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.kernel_size = into, out, kernel
        self.stride, self.groups, self.experts = stride, groups, experts
        self.same = same and stride > 1
        self.weight = nn.Parameter(torch.empty(experts, out * (into // groups) * kernel**2))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As EfficientNet's code starts every expert: N(0, √(2 / fan_out))."""
        fan_out = self.kernel_size**2 * self.out_channels // self.groups
        nn.init.normal_(self.weight, 0.0, math.sqrt(2.0 / max(1, fan_out)))

    @property
    def kernels(self) -> Tensor:
        """(experts, out, in / groups, kernel, kernel)."""
        side = self.kernel_size
        return self.weight.view(self.experts, self.out_channels, -1, side, side)

    def forward(self, x: Tensor, shares: Tensor) -> Tensor:
        """(N, in, H, W) and (N, experts) → (N, out, H', W')."""
        padding = self.kernel_size // 2
        if self.same:
            x, padding = pad_same(x, self.kernel_size, self.stride), 0
        if self.any_batch:
            return self._every_expert(x, shares, padding)
        count, _, *sides = x.shape
        # (N, out · …): the images of a batch become the groups of one convolution.
        mixed = F.linear(shares, self.weight.t())
        mixed = mixed.view(count * self.out_channels, -1, self.kernel_size, self.kernel_size)
        x = x.reshape(1, -1, *sides)
        groups = self.groups * count
        out = F.conv2d(x, mixed, None, self.stride, padding, groups=groups)
        return out.view(count, self.out_channels, *out.shape[2:])

    def _every_expert(self, x: Tensor, shares: Tensor, padding: int) -> Tensor:
        """The same without the size of the batch, which an exported graph leaves open: all experts
        convolve, and their outputs are mixed."""
        kernels = self.kernels.transpose(0, 1).flatten(0, 1)  # (out · experts, …)
        out = F.conv2d(x, kernels, None, self.stride, padding, groups=self.groups)
        out = out.view(-1, self.out_channels, self.experts, *out.shape[2:])
        mixed: Tensor = (out * shares[:, None, :, None, None]).sum(2)
        return mixed


class Router(nn.Module):
    """How much of each expert an image gets: (N, channels, H, W) → (N, experts) in (0, 1)."""

    def __init__(self, channels: int, experts: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, experts)

    def forward(self, x: Tensor) -> Tensor:
        shares: Tensor = torch.sigmoid(self.linear(x.mean((2, 3))))
        return shares


class Conditional(nn.Sequential):
    """A router and the layers whose convolutions it mixes."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H', W')."""
        router, *layers = self
        shares = router(x)
        for layer in layers:
            if isinstance(layer, nn.Sequential) and isinstance(layer[0], CondConv2d):
                conv, *others = layer
                x = conv(x, shares)
                for other in others:
                    x = other(x)
            else:
                x = layer(x)
        return x


def pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Zeros around a map as TensorFlow's `SAME` has them."""
    top, bottom = same_padding(x.shape[2], kernel, stride)
    left, right = same_padding(x.shape[3], kernel, stride)
    return F.pad(x, (left, right, top, bottom))

"""Networks of any library without weights, and a second counter of their multiply-adds.

A network on the meta device has shapes alone. torch's own counter works there, but works out every
operation in Python; here only convolutions and matrix products are looked at, and what keeps a
shape is not computed at all, so that a hundred networks are counted in seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from effsearch.search_spaces import network
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block

_KEEP_SHAPE = {
    F.batch_norm,
    F.relu,
    F.relu6,
    F.silu,
    F.hardswish,
    F.hardsigmoid,
    F.sigmoid,
    torch.relu,
    torch.relu_,
    torch.sigmoid,
    Tensor.sigmoid,
}
_BROADCAST = {
    Tensor.add,
    Tensor.mul,
    Tensor.__add__,
    Tensor.__mul__,
    Tensor.__iadd__,
    Tensor.__imul__,
}
_FILL = {
    Tensor.normal_,
    Tensor.uniform_,
    Tensor.fill_,
    Tensor.zero_,
    Tensor.mul_,
    Tensor.add_,
    Tensor.clamp_,
    Tensor.erfinv_,
    # A mode is off within what it was asked about, so that these would fill after all.
    nn.init.normal_,
    nn.init.uniform_,
    nn.init.trunc_normal_,
    nn.init.constant_,
    nn.init.kaiming_normal_,
    nn.init.kaiming_uniform_,
    nn.init.xavier_uniform_,
}
_MAKE = {torch.empty, torch.zeros, torch.ones}


class _Blank(TorchFunctionMode):
    """Makes what modules hold on the meta device, and leaves it as it is where it would be filled.

    Numbers that a library works out by tensors, such as RegNet's widths, stay numbers.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _MAKE and kwargs.get("device") is None:
            return func(*args, **kwargs | {"device": "meta"})
        if func in _FILL:
            filled = args[0] if args else kwargs["tensor"]
            if filled.is_meta:
                return filled
        return func(*args, **kwargs)


@contextmanager
def without_weights() -> Iterator[None]:
    """What is built here has shapes and no numbers."""
    with _Blank():
        yield


_made: dict[object, nn.Module] = {}


@contextmanager
def shared_blocks() -> Iterator[None]:
    """Blocks of ours that were made here before stand in later networks too, without weights.

    Making modules is most of what a count takes. What is built so is to be looked at alone.
    """
    make_block = network.build_block

    def build_block(block: Block, make: Any, drop_path: float) -> nn.Module:
        key = (block, make._activation, make._norm, drop_path)
        if key not in _made:
            _made[key] = make_block(block, make, drop_path)
        return _made[key]

    network.build_block = build_block
    try:
        with without_weights():
            yield
    finally:
        network.build_block = make_block


class _Counter(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.macs = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _KEEP_SHAPE:
            return args[0]
        if func in _BROADCAST:
            return max(args, key=lambda one: one.numel() if isinstance(one, Tensor) else 0)
        if func is Tensor.mean and len(args) == 2 and args[1] == (2, 3):
            return args[0].new_empty(*args[0].shape[:2], *((1, 1) if kwargs else ()))
        if func is torch.conv2d:
            return self._conv(*args, **(kwargs or {}))
        out = func(*args, **(kwargs or {}))
        if func in (F.linear, torch.matmul):
            self.macs += args[0].shape[-1] * out.numel()
        return out

    def _conv(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        sides = (
            (x.shape[2 + axis] + 2 * pad - gap * (weight.shape[2 + axis] - 1) - 1) // step + 1
            for axis, (step, pad, gap) in enumerate(
                zip(_pair(stride), _pair(padding), _pair(dilation), strict=True)
            )
        )
        assert x.shape[1] == groups * weight.shape[1]
        out = x.new_empty(len(x), len(weight), *sides)
        self.macs += out.numel() * weight[0].numel()
        return out


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def counted(built: nn.Module, side: int, channels: int = 3) -> tuple[int, int]:
    """Parameters and multiply-adds of a network on the meta device, for one image."""
    # A module that stands in two places counts twice, as if it had been made twice.
    parameters = built.named_parameters(remove_duplicate=False)
    params = sum(parameter.numel() for _, parameter in parameters)
    with torch.no_grad(), _Counter() as counter:
        built(torch.empty(1, channels, side, side, device="meta"))
    return params, counter.macs


def plain_network(architecture: Architecture) -> network.Network:
    """Our network with its own classes and channels, and nothing that training adds."""
    return network.Network(
        architecture,
        classes=architecture.classes,
        in_channels=architecture.in_channels,
        dropout=0.0,
        drop_path=0.0,
        norm_momentum=0.1,
    )

"""A convolution that trains faster on a processor, and is torch's own in all that can be seen.

Small networks on small images spend most of a training step in gradients for which oneDNN, torch's
library on x86, has no fast form:

* of a depthwise kernel with more than three columns, or wider than its map: it is computed as if
  the convolution were a dense one, up to 200 times slower;
* of a dense kernel wider than its map, most of which reads padding;
* of 1×1 kernels on small maps, which are one matrix product over all pixels.

Which form is taken follows from shapes alone, so a training stays reproducible on a machine.
"""

import platform
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import _get_current_dispatch_mode

_X86 = platform.machine().lower() in ("x86_64", "amd64")
_COLUMNS = 3  # of a depthwise kernel, for whose weight gradient oneDNN has a fast form


class Conv2d(nn.Conv2d):
    """`torch.nn.Conv2d` in weights, names, outputs and gradients; on x86 it trains faster.

    Outputs and gradients are equal within rounding. Evaluation, and whatever looks at single
    operations (tracing, compilation, export, a FLOP counter), sees the plain convolution.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, H', W')."""
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            output: Tensor = self._conv_forward(x, self.weight, self.bias)
        else:  # scripting leaves out an else, but not what follows a return
            output = self._chosen(x)
        return output

    @torch.jit.unused
    def _chosen(self, x: Tensor) -> Tensor:
        if not (self.training and _trained_here(x) and self._halves_padded()):
            return super().forward(x)
        stride, _ = self.stride
        depthwise = self.groups == self.in_channels == self.out_channels and self.bias is None
        rows, columns = _reached(self.kernel_size, x)
        taps = (rows.stop - rows.start, columns.stop - columns.start)
        if depthwise and taps != (1, 1):
            return _Depthwise.apply(x, self.weight, stride)  # type: ignore[no-any-return, no-untyped-call]
        kernel = self.weight
        if taps != self.kernel_size:
            kernel = _Cropped.apply(kernel, rows, columns)  # type: ignore[no-untyped-call]
        if taps == (1, 1) and self.groups == 1:
            return _product(x[:, :, ::stride, ::stride], kernel, self.bias)
        if depthwise:
            return x[:, :, ::stride, ::stride] * kernel.view(1, -1, 1, 1)
        padding = (taps[0] // 2, taps[1] // 2)
        return F.conv2d(x, kernel, self.bias, self.stride, padding, groups=self.groups)

    def _halves_padded(self) -> bool:
        """Whether the map shrinks by the stride alone: odd kernel, half of it as zeros around."""
        (height, width), (stride, other) = self.kernel_size, self.stride
        return (
            height % 2 == width % 2 == 1
            and stride == other
            and self.padding == (height // 2, width // 2)
            and self.dilation == (1, 1)
            and self.padding_mode == "zeros"
        )


def _trained_here(x: Tensor) -> bool:
    """Whether these are float images on an x86 processor that nothing but autograd looks at."""
    return (
        not torch.compiler.is_compiling()
        and _X86
        and type(x) is Tensor
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and x.is_contiguous(memory_format=torch.channels_last)
        and torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        and _get_current_dispatch_mode() is None
    )


def _reached(kernel_size: tuple[int, ...], x: Tensor) -> tuple[slice, slice]:
    """Rows and columns of a kernel that reach the map from any of its pixels."""
    rows, columns = (
        slice(max(0, size // 2 - side + 1), size // 2 + min(size // 2, side - 1) + 1)
        for size, side in zip(kernel_size, x.shape[2:], strict=True)
    )
    return rows, columns


def _product(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """A 1×1 convolution as one matrix product: (N·H·W, in) by (in, out)."""
    return F.linear(x.permute(0, 2, 3, 1), kernel.flatten(1), bias).permute(0, 3, 1, 2)


class _Cropped(torch.autograd.Function):
    """Rows and columns of a kernel; indexing would fill and copy a whole gradient for each."""

    @staticmethod
    def forward(weight: Tensor, rows: slice, columns: slice) -> Tensor:
        return weight[:, :, rows, columns].contiguous(memory_format=torch.channels_last)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, slice, slice], output: Tensor) -> None:
        weight, ctx.rows, ctx.columns = inputs
        ctx.save_for_backward(weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        whole = torch.zeros_like(weight)
        whole[:, :, ctx.rows, ctx.columns] = gradient
        return whole, None, None


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution; its input (N, C, H, W), its kernel (C, 1, K, L), its stride."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, stride: int) -> Tensor:
        padding = (weight.shape[2] // 2, weight.shape[3] // 2)
        return F.conv2d(x, weight, None, stride, padding, groups=len(weight))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int], output: Tensor) -> None:
        x, weight, ctx.stride = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, _ = ctx.needs_input_grad
        padding = (weight.shape[2] // 2, weight.shape[3] // 2)
        stride = ctx.stride
        return (
            _gradients(gradient, x, weight, stride, padding, (True, False))[0] if of_x else None,
            _weight_gradient(gradient, x, weight, stride) if of_weight else None,
            None,
        )


def _weight_gradient(gradient: Tensor, x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Of a depthwise kernel, three columns at a time over a map padded for them.

    oneDNN's fast form takes no more columns, and no padded map that is smaller than the kernel.
    """
    (height, width), (high, wide) = x.shape[2:], weight.shape[2:]
    top, left = high // 2, wide // 2
    whole = height >= high + stride - 1
    if whole and wide <= min(_COLUMNS, width - stride + 1):
        return _gradients(gradient, x, weight, stride, (top, left), (False, True))[1]
    rows, columns = _reached((high, wide), x)
    out_height, out_width = gradient.shape[2:]
    above = 0 if whole else top - rows.start
    below = 0 if whole else (out_height - 1) * stride + rows.stop - rows.start - height - above
    found = torch.zeros_like(weight)
    for start in range(columns.start, columns.stop, _COLUMNS):
        taps = slice(start, min(start + _COLUMNS, columns.stop))
        before = left - start  # where negative, columns of the map that these taps never reach
        after = (out_width - 1) * stride + taps.stop - start - width - before
        seen = F.pad(x, (before, after, above, below))
        part = weight[:, :, rows, taps]
        padding = (top if whole else 0, 0)
        found[:, :, rows, taps] = _gradients(gradient, seen, part, stride, padding, (False, True))[
            1
        ]
    return found


def _gradients(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    stride: int,
    padding: tuple[int, int],
    wanted: tuple[bool, bool],
) -> tuple[Tensor, Tensor]:
    """torch's own gradients of a depthwise convolution, of its input and its kernel."""
    of_x, of_weight, _ = torch.ops.aten.convolution_backward(
        gradient,
        x,
        weight,
        None,
        [stride, stride],
        padding,
        [1, 1],
        False,
        [0, 0],
        len(weight),
        [*wanted, False],
    )
    return of_x, of_weight

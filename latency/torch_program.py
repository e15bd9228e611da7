"""Runs a program in torch, letting go of every value as soon as nothing reads it any more."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from effsearch.latency.program import Conv, Program, Step
from effsearch.latency.weights import Weights

_IN_PLACE: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "relu6": lambda x: F.relu6(x, inplace=True),
    "silu": lambda x: F.silu(x, inplace=True),
    "hard_swish": lambda x: F.hardswish(x, inplace=True),
    "sigmoid": torch.sigmoid_,
    "hard_sigmoid": lambda x: F.hardsigmoid(x, inplace=True),
}


class TorchProgram:
    """A program with its weights on a device, channels last.

    Args:
        program: what to run.
        weights: one pair for each of its `shapes`.
        device: where.
        dtype: of weights and activations.
    """

    def __init__(
        self, program: Program, weights: Weights, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.program = program
        self._frees = program.last_reads
        pairs = iter(weights)
        self._weights: list[tuple[Tensor, Tensor] | None] = [
            None if step.shapes is None else _on_device(next(pairs), device, dtype)
            for step in program.steps
        ]

    def __call__(self, images: Tensor) -> Tensor:
        """(N, in_channels, size, size) → (N, classes), or (N, C, H, W) of a layer alone."""
        return self.run([images])

    def run(self, images: list[Tensor]) -> Tensor:
        """As a call, but takes the images out of the list, so that their memory is freed after
        the last step that reads them."""
        values = {0: images.pop()}
        for step, weights, freed in zip(
            self.program.steps, self._weights, self._frees, strict=True
        ):
            self._step(step, weights, values)
            for value in freed:
                del values[value]
        output = values[self.program.steps[-1].target]
        return output.flatten(1) if self.program.flat else output

    def _step(
        self, step: Step, weights: tuple[Tensor, Tensor] | None, values: dict[int, Tensor]
    ) -> None:
        x = values[step.source]
        if weights is not None and step.conv is not None:
            shares = None if step.other is None else values[step.other]
            values[step.target] = _convolved(step.conv, x, *weights, shares)
        elif weights is not None:
            values[step.target] = _normalized(x, step.groups, *weights, self.program.norm_eps)
        elif step.kind == "cat":
            values[step.target] = torch.cat([values[value] for value in step.reads], 1)
        elif step.kind == "activation":
            _IN_PLACE[step.function or self.program.activation](x)
        elif step.kind == "mean":
            values[step.target] = x.mean((2, 3), keepdim=True)
        elif step.kind == "max_pool":
            values[step.target] = F.max_pool2d(x, 3, step.stride, 1)
        elif step.kind == "avg_pool":
            values[step.target] = F.avg_pool2d(x, 3, step.stride, 1, count_include_pad=False)
        else:
            assert step.other is not None
            other = values[step.other]
            if step.kind == "scale":
                x.mul_(other)
            else:
                x[:, : other.shape[1]].add_(other)


def _convolved(
    conv: Conv, x: Tensor, weight: Tensor, bias: Tensor, shares: Tensor | None
) -> Tensor:
    x = x[:, conv.first : conv.first + conv.into]
    padding, behind = conv.padded(x.shape[2])
    if padding != behind:
        x, padding = F.pad(x, (padding, behind, padding, behind)), 0
    if shares is None:
        return F.conv2d(x, weight, bias, conv.stride, padding, groups=conv.groups)
    # Every image has a kernel of its own: the images of a batch become groups of one.
    count, _, *sides = x.shape
    mixed = (shares.flatten(1) @ weight).view(-1, *conv.weight_shape[2:])
    biases = bias if count == 1 else bias.repeat(count)
    x = x.reshape(1, -1, *sides)
    out = F.conv2d(x, mixed, biases, conv.stride, padding, groups=conv.groups * count)
    return out.view(count, conv.out, *out.shape[2:])


def _normalized(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    if groups:
        return F.group_norm(x, groups, weight, bias, eps)
    x = F.layer_norm(x.permute(0, 2, 3, 1), weight.shape, weight, bias, eps)
    return x.permute(0, 3, 1, 2)


def _on_device(
    pair: "tuple[object, object]", device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    weight, bias = (torch.as_tensor(array).to(device, dtype) for array in pair)
    if weight.ndim == 5:  # experts, which are mixed before they have a layout
        return weight.flatten(1), bias
    return (weight.to(memory_format=torch.channels_last) if weight.ndim == 4 else weight), bias

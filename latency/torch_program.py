"""Runs a program in torch, letting go of every value as soon as nothing reads it any more."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from effsearch.latency.program import Program, Step
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
        weights: one pair for each of its convolutions.
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
            None if step.conv is None else _on_device(next(pairs), device, dtype)
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
            conv = step.conv
            values[step.target] = F.conv2d(
                x, *weights, stride=conv.stride, padding=conv.kernel // 2, groups=conv.groups
            )
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


def _on_device(
    pair: "tuple[object, object]", device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    weight, bias = (torch.as_tensor(array).to(device, dtype) for array in pair)
    return weight.to(memory_format=torch.channels_last), bias

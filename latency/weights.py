"""Weights for a program: random ones, for a latency does not depend on them, or a network's."""

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from effsearch.latency.program import Program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from effsearch.search_spaces.conditional import CondConv2d
    from effsearch.search_spaces.network import Network

Weights: TypeAlias = list[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""For each of a program's `shapes`, in order, its weight and its bias."""


def random_weights(program: Program, seed: int = 0) -> Weights:
    """Weights that keep activations near 1: vanishing ones (denormals) would slow a CPU down."""
    rng = np.random.default_rng(seed)
    made: Weights = []
    for shape, (out,) in program.shapes:
        if len(shape) == 1:
            made.append((np.ones(shape, np.float32), np.full(out, 0.01, np.float32)))
            continue
        scale = np.float32((2.0 / np.prod(shape[-3:])) ** 0.5)
        weight = rng.standard_normal(shape, dtype=np.float32) * scale
        made.append((weight, np.full(out, 0.01, np.float32)))
    return made


def network_weights(network: "Network") -> Weights:
    """The weights of a built network, batch normalization folded in (in evaluation mode).

    They are in the order of `network_program(network.architecture).shapes`.
    """
    from torch import nn

    from effsearch.search_spaces.conditional import CondConv2d
    from effsearch.search_spaces.network import LayerNorm2d, MixedConv2d

    made: Weights = []
    waiting: list[nn.Conv2d | CondConv2d] = []  # for the normalization that follows them
    together: set[nn.Module] = set()  # convolutions that share the channels of one layer
    for module in network.modules():
        if isinstance(module, MixedConv2d):
            together.update(module)
        if waiting and isinstance(module, nn.Conv2d | nn.Linear) and module not in together:
            made += _plain(waiting)  # nothing followed
            waiting = []
        if isinstance(module, nn.Conv2d | CondConv2d) and module.bias is None:
            waiting.append(module)
        elif isinstance(module, nn.BatchNorm2d):
            made += _folded(waiting, module)
            waiting = []
        elif isinstance(module, nn.GroupNorm | LayerNorm2d):
            made += [*_plain(waiting), (_array(module.weight), _array(module.bias))]
            waiting = []
        elif isinstance(module, nn.Conv2d | nn.Linear):
            assert module.bias is not None
            array = _array(module.weight)
            shape = array.shape if array.ndim == 4 else (*array.shape, 1, 1)
            made.append((array.reshape(shape), _array(module.bias)))
    return made


def _plain(convs: "Sequence[nn.Conv2d | CondConv2d]") -> Weights:
    return [(_array(_kernels(conv)), np.zeros(conv.out_channels, np.float32)) for conv in convs]


def _folded(convs: "Sequence[nn.Conv2d | CondConv2d]", norm: "nn.BatchNorm2d") -> Weights:
    """Convolutions on shares of the channels that one batch normalization follows."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias - norm.running_mean * scale
    made: Weights = []
    first = 0
    for conv in convs:
        share = slice(first, first + conv.out_channels)
        scaled = _kernels(conv) * scale[share].view(-1, 1, 1, 1)
        made.append((_array(scaled), _array(shift[share])))
        first += conv.out_channels
    return made


def _kernels(conv: "nn.Conv2d | CondConv2d") -> "Tensor":
    """(out, in / groups, height, width), behind the experts where there are some."""
    from torch import nn

    return conv.weight if isinstance(conv, nn.Conv2d) else conv.kernels


def _array(tensor: "Tensor") -> NDArray[np.float32]:
    found: NDArray[np.float32] = tensor.detach().cpu().numpy()
    return found

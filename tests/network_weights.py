"""The weights of a built network, for a program to be compared with the network itself."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from effsearch.latency.weights import Weights
from effsearch.search_spaces.conditional import CondConv2d
from effsearch.search_spaces.network import LayerNorm2d, MixedConv2d, Network


def network_weights(network: Network) -> Weights:
    """The weights of a built network, batch normalization folded in (in evaluation mode).

    They are in the order of `network_program(network.architecture).shapes`.
    """
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


def _plain(convs: Sequence[nn.Conv2d | CondConv2d]) -> Weights:
    return [(_array(_kernels(conv)), np.zeros(conv.out_channels, np.float32)) for conv in convs]


def _folded(convs: Sequence[nn.Conv2d | CondConv2d], norm: nn.BatchNorm2d) -> Weights:
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


def _kernels(conv: nn.Conv2d | CondConv2d) -> Tensor:
    """(out, in / groups, height, width), behind the experts where there are some."""
    return conv.weight if isinstance(conv, nn.Conv2d) else conv.kernels


def _array(tensor: Tensor) -> NDArray[np.float32]:
    found: NDArray[np.float32] = tensor.detach().cpu().numpy()
    return found

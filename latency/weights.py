"""Weights for a program: random ones, for a latency does not depend on them, or a network's."""

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from effsearch.latency.program import Program

if TYPE_CHECKING:
    from torch import Tensor

    from effsearch.search_spaces.network import Network

Weights: TypeAlias = list[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""For each convolution of a program, in order, its weight and its bias (out,)."""


def random_weights(program: Program, seed: int = 0) -> Weights:
    """Weights that keep activations near 1: vanishing ones (denormals) would slow a CPU down."""
    rng = np.random.default_rng(seed)
    made: Weights = []
    for conv in program.convs:
        shape = conv.weight_shape
        scale = np.float32((2.0 / (shape[1] * shape[2] * shape[3])) ** 0.5)
        weight = rng.standard_normal(shape, dtype=np.float32) * scale
        made.append((weight, np.full(conv.out, 0.01, np.float32)))
    return made


def network_weights(network: "Network") -> Weights:
    """The weights of a built network, its normalization folded in (in evaluation mode).

    They are in the order of `network_program(network.architecture).convs`.
    """
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_weights

    made: Weights = []
    waiting: nn.Conv2d | None = None  # for the normalization that follows it
    for module in network.modules():
        if waiting is not None and isinstance(module, nn.Conv2d | nn.Linear):  # nothing followed
            made.append((_array(waiting.weight), np.zeros(waiting.out_channels, np.float32)))
            waiting = None
        if isinstance(module, nn.Conv2d) and module.bias is None:
            waiting = module
        elif isinstance(module, nn.BatchNorm2d):
            assert waiting is not None
            assert module.running_mean is not None
            assert module.running_var is not None
            weight, bias = fuse_conv_bn_weights(
                waiting.weight,
                None,
                module.running_mean,
                module.running_var,
                module.eps,
                module.weight,
                module.bias,
            )
            made.append((_array(weight), _array(bias)))
            waiting = None
        elif isinstance(module, nn.Conv2d | nn.Linear):
            assert module.bias is not None
            array = _array(module.weight)
            shape = array.shape if array.ndim == 4 else (*array.shape, 1, 1)
            made.append((array.reshape(shape), _array(module.bias)))
    return made


def _array(tensor: "Tensor") -> NDArray[np.float32]:
    found: NDArray[np.float32] = tensor.detach().cpu().numpy()
    return found

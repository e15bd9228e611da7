"""What an architecture costs: MACs, parameters and peak activation memory, in closed form.

MACs are the multiply-adds of convolutions and linear layers (squeeze-excite's included) at batch
1: what the papers call FLOPs and what fvcore counts as `conv` + `linear`. Normalization,
activations, pooling and additions are not counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from effsearch.search_spaces.architecture import Architecture, Head, Stem
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations import block_layers, projection
from effsearch.search_spaces.operations.layer import (
    Convolution,
    GlobalPool,
    Layer,
    SqueezeExcite,
)
from effsearch.search_spaces.stem_and_head import head_layers, stem_layers

BYTES_PER_ACTIVATION = 4  # float32
_PARAMS_AFTER = {"norm": 2, "bias": 1, "plain": 0}  # for each output channel


@dataclass(frozen=True)
class Cost:
    """What one forward pass of one image needs.

    Attributes:
        macs: multiply-adds of convolutions and linear layers.
        params: trainable parameters, batch normalization's included.
        memory_bytes: peak activation memory of inference in float32: the largest sum, over the
            steps in order, of a step's inputs, its output and what waits to be added or scaled.
            Normalization is folded into the convolutions, activations, gates and additions work
            in place, a tensor is freed after the last step that reads it: `latency.torch_program`
            runs a network so, and its live tensors are this to the byte. Weights and what a
            kernel allocates for itself (reordered weights) are not counted.
    """

    macs: int
    params: int
    memory_bytes: int


@dataclass(frozen=True)
class LayerCost:
    """One row of a layer table: `size` is the side of the output in pixels, `peak` is in
    activations (not bytes)."""

    macs: int
    params: int
    peak: int
    size: int


def cost(architecture: Architecture, resolution: int | None = None) -> Cost:
    """Count an architecture, at its own resolution or at another (pixels)."""
    layers = layer_costs(architecture, resolution)
    return Cost(
        macs=sum(layer.macs for layer in layers),
        params=sum(layer.params for layer in layers),
        memory_bytes=max(layer.peak for layer in layers) * BYTES_PER_ACTIVATION,
    )


def layer_costs(architecture: Architecture, resolution: int | None = None) -> list[LayerCost]:
    """Costs of the stem, of every block and of the head, in this order."""
    layers = [
        stem_cost(
            architecture.stem, architecture.in_channels, resolution or architecture.resolution
        )
    ]
    for block in architecture.blocks:
        layers.append(block_cost(block, layers[-1].size))
    last = architecture.stages[-1].channels
    layers.append(head_cost(last, architecture.head, architecture.classes, layers[-1].size))
    return layers


def stem_cost(stem: Stem, in_channels: int, resolution: int) -> LayerCost:
    """Costs of the first convolution and the pooling behind it."""
    return _count(stem_layers(stem, in_channels), in_channels, resolution)


def head_cost(in_channels: int, head: Head, classes: int, size: int) -> LayerCost:
    """Costs of the last convolution, the pooling and the classifier."""
    return _count(head_layers(head, in_channels, classes), in_channels, size)


@lru_cache(maxsize=65536)
def block_cost(block: Block, size: int) -> LayerCost:
    """Costs of one block whose input is `size` × `size` pixels."""
    into = block.in_channels * size**2
    # The block's input stays alive until it is added, so it counts beside every later layer.
    waiting = 0 if block.shortcut == "none" else into
    counted = _count(block_layers(block), block.in_channels, size, waiting)
    out = block.out_channels * counted.size**2
    if block.shortcut == "projection":
        macs, params = _conv(projection(block), counted.size)
        return LayerCost(
            counted.macs + macs,
            counted.params + params,
            max(counted.peak, into + 2 * out),
            counted.size,
        )
    if block.shortcut == "pool":
        # What was pooled is added to the first channels of the output, however many it has.
        pooled = block.in_channels * counted.size**2
        return replace(counted, peak=max(counted.peak, into + out + pooled))
    return counted


def _count(layers: Iterable[Layer], channels: int, size: int, waiting: int = 0) -> LayerCost:
    """Costs of layers in a row; `waiting` activations lie beside all but the first."""
    macs = params = peak = beside = 0
    current = channels * size**2
    for layer in layers:
        if isinstance(layer, SqueezeExcite):
            # Pooling, two 1×1 convolutions with biases, a gate: both vectors are activations.
            weights, vectors = 2 * layer.channels * layer.reduced, layer.channels + layer.reduced
            macs, params = macs + weights, params + weights + vectors
            peak = max(peak, beside + current + vectors)
            continue
        if isinstance(layer, Convolution):
            channels, size = layer.out, _strided(size, layer.stride)
            more_macs, more_params = _conv(layer, size)
            macs, params = macs + more_macs, params + more_params
        else:
            size = 1 if isinstance(layer, GlobalPool) else _strided(size, layer.stride)
        written = channels * size**2
        peak = max(peak, beside + current + written)
        current, beside = written, waiting
    return LayerCost(macs, params, peak, size)


def _conv(conv: Convolution, size: int) -> tuple[int, int]:
    """MACs and parameters of a convolution with what normalizes it; `size` is of its output."""
    weights = conv.kernel**2 * (conv.into // conv.groups) * conv.out
    return weights * size**2, weights + conv.out * _PARAMS_AFTER[conv.after]


def _strided(size: int, stride: int) -> int:
    return -(-size // stride)

"""What an architecture costs: MACs, parameters and peak activation memory, in closed form.

MACs are the multiply-adds of convolutions and linear layers (squeeze-excite's included) at batch
1: what the papers call FLOPs and what fvcore counts as `conv` + `linear`. Normalization,
activations, pooling and additions are not counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations import block_layers, projection
from effsearch.search_spaces.operations.layer import (
    Convolution,
    GlobalPool,
    Layer,
    Router,
    SqueezeExcite,
)
from effsearch.search_spaces.parts import Head, Stem
from effsearch.search_spaces.stem_and_head import head_layers, stem_layers
from effsearch.search_spaces.style import PLAIN, Style

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
            Batch normalization is folded into the convolutions; activations, gates and additions
            work in place; a tensor is freed after the last step that reads it:
            `latency.torch_program` runs a network so, and its live tensors are this to the byte.
            Another normalization writes a tensor of its own, a convolution that pads more behind
            than before takes a padded copy, several kernels write their shares before these are
            put together, and kernels mixed from experts are tensors too. Weights and what a
            kernel allocates for itself (reordered weights) are not counted.

    Example:
        >>> import effsearch
        >>> effsearch.cost(effsearch.load_zoo("efficientnet-b0"))
        Cost(macs=385814752, params=5288548, memory_bytes=6021120)
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
    """Count an architecture, at its own resolution or at another (pixels).

    Example:
        >>> import effsearch
        >>> b0 = effsearch.load_zoo("efficientnet-b0")
        >>> effsearch.cost(b0).macs, effsearch.cost(b0, resolution=112).macs
        (385814752, 107518288)
    """
    layers = layer_costs(architecture, resolution)
    return Cost(
        macs=sum(layer.macs for layer in layers),
        params=sum(layer.params for layer in layers),
        memory_bytes=max(layer.peak for layer in layers) * BYTES_PER_ACTIVATION,
    )


def layer_costs(architecture: Architecture, resolution: int | None = None) -> list[LayerCost]:
    """Costs of the stem, of every block and of the head, in this order."""
    side, style = resolution or architecture.resolution, architecture.style
    layers = [stem_cost(architecture.stem, architecture.in_channels, side, style)]
    for block in architecture.blocks:
        layers.append(block_cost(block, layers[-1].size, style))
    last, size = architecture.stages[-1].channels, layers[-1].size
    layers.append(head_cost(last, architecture.head, architecture.classes, size, style))
    return layers


def stem_cost(stem: Stem, in_channels: int, resolution: int, style: Style = PLAIN) -> LayerCost:
    """Costs of the first convolution and the pooling behind it."""
    return _count(stem_layers(stem, in_channels), in_channels, resolution, style)


def head_cost(
    in_channels: int, head: Head, classes: int, size: int, style: Style = PLAIN
) -> LayerCost:
    """Costs of the last convolution, the pooling and the classifier."""
    return _count(head_layers(head, in_channels, classes), in_channels, size, style)


@lru_cache(maxsize=65536)
def block_cost(block: Block, size: int, style: Style = PLAIN) -> LayerCost:
    """Costs of one block whose input is `size` × `size` pixels."""
    into = block.in_channels * size**2
    # The block's input stays alive until it is added, so it counts beside every later layer.
    waiting = 0 if block.shortcut == "none" else into
    counted = _count(block_layers(block), block.in_channels, size, style, waiting)
    out = block.out_channels * counted.size**2
    if block.shortcut == "projection":
        shortcut = _count([projection(block)], block.in_channels, size, style)
        return LayerCost(
            counted.macs + shortcut.macs,
            counted.params + shortcut.params,
            max(counted.peak, shortcut.peak + out),
            counted.size,
        )
    if block.shortcut == "pool":
        # What was pooled is added to the first channels of the output, however many it has.
        pooled = block.in_channels * counted.size**2
        return replace(counted, peak=max(counted.peak, into + out + pooled))
    return counted


def _count(
    layers: Iterable[Layer], channels: int, size: int, style: Style, waiting: int = 0
) -> LayerCost:
    """Costs of layers in a row; `waiting` activations lie beside all but the first."""
    macs = params = peak = beside = 0
    current = channels * size**2
    for layer in layers:
        match layer:
            case SqueezeExcite():
                # Pooling, two 1×1 convolutions with biases, a gate: both vectors are activations.
                weights = 2 * layer.channels * layer.reduced
                vectors = layer.channels + layer.reduced
                macs, params = macs + weights, params + weights + vectors
                peak = max(peak, beside + current + vectors)
            case Router():
                weights = layer.channels * layer.experts
                macs, params = macs + weights, params + weights + layer.experts
                peak = max(peak, beside + current + layer.channels + layer.experts)
                # What it says of the experts lies beside every layer of the block.
                beside, waiting = beside + layer.experts, waiting + layer.experts
            case Convolution():
                made = _conv(layer, size, style, beside, waiting)
                macs, params, peak = macs + made.macs, params + made.params, max(peak, made.peak)
                channels, size = layer.out, made.size
                current, beside = channels * size**2, waiting
            case _:
                size = 1 if isinstance(layer, GlobalPool) else _strided(size, layer.stride)
                written = channels * size**2
                peak = max(peak, beside + current + written)
                current, beside = written, waiting
    return LayerCost(macs, params, peak, size)


def _conv(conv: Convolution, size: int, style: Style, beside: int, waiting: int) -> LayerCost:
    """A convolution with what normalizes it; `size` is of its input.

    `beside` activations lie beside it, and `waiting` where its input has been read.
    """
    side = _strided(size, conv.stride)
    source, written = conv.into * size**2, conv.out * side**2
    macs = peak = parts = 0
    for part in conv.parts:
        assert isinstance(part.kernel, int)
        macs += part.kernel**2 * (part.into // part.groups) * part.out * side**2
        before, behind = style.padded(size, part.kernel, conv.stride)
        copy = part.into * (size + before + behind) ** 2 if before != behind else 0
        parts += part.out * side**2
        peak = max(peak, beside + source + copy + parts)
    if len(conv.parts) > 1:
        peak = max(peak, waiting + 2 * written)  # the shares and what they are put together to
    if conv.experts:
        mixed = conv.weights // conv.experts
        macs, peak = macs + conv.weights, peak + mixed
    if conv.after == "norm" and not style.folds:
        peak = max(peak, waiting + 2 * written)
    return LayerCost(macs, conv.weights + conv.out * _PARAMS_AFTER[conv.after], peak, side)


def _strided(size: int, stride: int) -> int:
    return -(-size // stride)

"""What an architecture costs: MACs, parameters and peak activation memory, in closed form.

MACs are the multiply-adds of convolutions and linear layers (squeeze-excite's included) at batch
1: what the papers call FLOPs and what fvcore counts as `conv` + `linear`. Normalization,
activations, pooling and additions are not counted.
"""

from dataclasses import dataclass
from functools import lru_cache

from effsearch.search_spaces.architecture import Architecture, Block, Stem

BYTES_PER_ACTIVATION = 4  # float32


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
    head = architecture.head.channels
    layers.append(head_cost(last, head, architecture.classes, layers[-1].size))
    return layers


def stem_cost(stem: Stem, in_channels: int, resolution: int) -> LayerCost:
    """Costs of the first convolution and the pooling behind it."""
    size = _strided(resolution, stem.stride)
    macs, params = _conv(in_channels, stem.channels, stem.kernel, size)
    image, out = in_channels * resolution**2, stem.channels * size**2
    peak = image + out
    if stem.pool:
        size = _strided(size, 2)
        peak = max(peak, out + stem.channels * size**2)
    return LayerCost(macs, params, peak, size)


def head_cost(in_channels: int, head_channels: int, classes: int, size: int) -> LayerCost:
    """Costs of the last 1×1 convolution (none where `head_channels` is 0) and the classifier."""
    macs = params = 0
    peak = 0
    features = in_channels
    if head_channels:
        macs, params = _conv(in_channels, head_channels, 1, size)
        peak = (in_channels + head_channels) * size**2
        features = head_channels
    pooling = features * size**2 + features
    return LayerCost(
        macs=macs + features * classes,
        params=params + features * classes + classes,
        peak=max(peak, pooling, features + classes),
        size=1,
    )


@lru_cache(maxsize=65536)
def block_cost(block: Block, size: int) -> LayerCost:
    """Costs of one block whose input is `size` × `size` pixels."""
    out_size = _strided(size, block.stride)
    if block.op == "identity":
        macs, params = _conv(block.in_channels, block.out_channels, 1, out_size)
        peak = block.in_channels * size**2 + block.out_channels * out_size**2
        return LayerCost(macs, params, peak, out_size)
    macs = params = 0
    into = block.in_channels * size**2
    # The block's input stays alive until it is added, so it counts beside every later layer.
    waiting = 0 if block.shortcut == "none" else into
    current, peak, first = into, 0, True
    for layer in _convolutions(block, size, out_size):
        macs += layer.macs
        params += layer.params
        beside = 0 if first else waiting
        peak = max(peak, beside + current + layer.activations)
        current, first = layer.activations, False
        if layer.squeezed and block.se_channels:
            gate = _squeeze(layer.squeezed, block.se_channels)
            macs += gate.macs
            params += gate.params
            peak = max(peak, waiting + current + gate.activations)
    out = block.out_channels * out_size**2
    if block.shortcut == "projection":
        extra_macs, extra_params = _conv(block.in_channels, block.out_channels, 1, out_size)
        macs += extra_macs
        params += extra_params
        peak = max(peak, into + 2 * out)
    if block.shortcut == "pool":
        # What was pooled is added to the first channels of the output, however many it has.
        peak = max(peak, into + out + block.in_channels * out_size**2)
    return LayerCost(macs, params, peak, out_size)


@dataclass(frozen=True)
class _Layer:
    """A convolution: `activations` it writes; `squeezed` channels where squeeze-excite follows."""

    macs: int
    params: int
    activations: int
    squeezed: int = 0


def _convolutions(block: Block, size: int, out_size: int) -> list[_Layer]:
    """The convolutions of a block in order; squeeze-excite sits behind the spatial one."""
    into, mid, out = block.in_channels, block.mid_channels, block.out_channels
    kernel = block.kernel
    if block.op == "conv":
        return [_dense(into, out, kernel, out_size, squeezed=out)]
    if block.op == "bottleneck":
        return [
            _dense(into, mid, 1, size),
            _dense(mid, mid, kernel, out_size, squeezed=mid),
            _dense(mid, out, 1, out_size),
        ]
    if block.op == "fused_mbconv":
        return [
            _dense(into, mid, kernel, out_size, squeezed=mid),
            _dense(mid, out, 1, out_size),
        ]
    layers = [_dense(into, mid, 1, size)] if mid != into else []
    macs, params = _conv(mid, mid, kernel, out_size, groups=mid)
    layers.append(_Layer(macs, params, mid * out_size**2, squeezed=mid))
    layers.append(_dense(mid, out, 1, out_size))
    return layers


def _dense(into: int, out: int, kernel: int, size: int, squeezed: int = 0) -> _Layer:
    macs, params = _conv(into, out, kernel, size)
    return _Layer(macs, params, out * size**2, squeezed)


def _squeeze(channels: int, reduced: int) -> _Layer:
    """Pooling, two 1×1 convolutions with biases, a gate: both vectors count as activations."""
    macs = 2 * channels * reduced
    return _Layer(macs, macs + channels + reduced, channels + reduced)


def _conv(into: int, out: int, kernel: int, size: int, groups: int = 1) -> tuple[int, int]:
    """MACs and parameters of a convolution without bias and the normalization behind it."""
    weights = kernel * kernel * (into // groups) * out
    return weights * size * size, weights + 2 * out


def _strided(size: int, stride: int) -> int:
    return -(-size // stride)

"""A network as a device runs it: a list of steps, normalization folded into the convolutions.

The same steps run in torch (`torch_program`) and are written as ONNX (`onnx_program`), so that
every meter times the same network. A layer alone is a program too: what a lookup table measures.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from effsearch.search_spaces.activations import Activation, Function
from effsearch.search_spaces.architecture import Architecture, Head, Stem
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.cost import block_cost, stem_cost
from effsearch.search_spaces.operations import OPERATIONS, block_layers, projection
from effsearch.search_spaces.operations.layer import (
    Convolution,
    GlobalPool,
    Layer,
    MaxPool,
    SqueezeExcite,
)
from effsearch.search_spaces.stem_and_head import head_layers, stem_layers

StepKind = Literal["conv", "activation", "mean", "scale", "add", "avg_pool", "max_pool"]


@dataclass(frozen=True)
class Conv:
    """A convolution with bias, padded so that the size shrinks by the stride alone.

    A linear layer is a 1×1 convolution on one pixel.
    """

    into: int
    out: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(out, into / groups, kernel, kernel)."""
        return (self.out, self.into // self.groups, self.kernel, self.kernel)


@dataclass(frozen=True)
class Step:
    """One operation on numbered values.

    Attributes:
        kind: `scale` multiplies by gates (N, C, 1, 1), `add` adds `other` to the first of
            `source`'s channels, pools are 3×3, `mean` is over all pixels.
        source: the value it reads.
        target: the value it writes; equal to `source` where it works in place.
        other: a second value it reads.
        conv: of a `conv`.
        stride: of a pool.
        function: of an `activation` that is not the program's.
    """

    kind: StepKind
    source: int
    target: int
    other: int | None = None
    conv: Conv | None = None
    stride: int = 1
    function: Function | None = None

    @property
    def reads(self) -> tuple[int, ...]:
        """The values that must be alive when the step starts."""
        return (self.source,) if self.other is None else (self.source, self.other)


@dataclass(frozen=True)
class Program:
    """Steps from value 0, the input (N, channels, size, size), to the value of the last step.

    Attributes:
        steps: in the order in which they run.
        activation: of every `activation` step that has no function of its own.
        in_channels, size: of one input image or feature map.
        flat: the output is (N, C, 1, 1) and read as (N, C).
    """

    steps: tuple[Step, ...]
    activation: Activation
    in_channels: int
    size: int
    flat: bool = False

    @property
    def convs(self) -> tuple[Conv, ...]:
        """Every convolution in order: what `weights` are made for."""
        return tuple(step.conv for step in self.steps if step.conv is not None)

    @property
    def last_reads(self) -> tuple[tuple[int, ...], ...]:
        """For each step the values that nothing reads after it: what can be freed."""
        needed = {self.steps[-1].target}
        freed: list[tuple[int, ...]] = []
        for step in reversed(self.steps):
            freed.append(tuple(value for value in step.reads if value not in needed))
            needed.update(step.reads)
        return tuple(reversed(freed))


def network_program(architecture: Architecture, resolution: int | None = None) -> Program:
    """The whole network, from image to logits, at its own resolution or another (pixels)."""
    size = resolution or architecture.resolution
    writer = _Writer()
    value = _write_layers(writer, stem_layers(architecture.stem, architecture.in_channels), 0)
    for block in architecture.blocks:
        value = _write_block(writer, block, value)
    last = architecture.stages[-1].channels
    _write_layers(writer, head_layers(architecture.head, last, architecture.classes), value)
    return Program(
        tuple(writer.steps), architecture.activation, architecture.in_channels, size, flat=True
    )


def stem_program(stem: Stem, in_channels: int, activation: Activation, size: int) -> Program:
    """The stem alone, on images of `size` pixels."""
    writer = _Writer()
    _write_layers(writer, stem_layers(stem, in_channels), 0)
    return Program(tuple(writer.steps), activation, in_channels, size)


def block_program(block: Block, activation: Activation, size: int) -> Program:
    """One block alone, on feature maps of `size` pixels."""
    writer = _Writer()
    _write_block(writer, block, 0)
    return Program(tuple(writer.steps), activation, block.in_channels, size)


def head_program(
    in_channels: int, head: Head, classes: int, activation: Activation, size: int
) -> Program:
    """Last convolution, pooling and classifier alone, on feature maps of `size` pixels."""
    writer = _Writer()
    _write_layers(writer, head_layers(head, in_channels, classes), 0)
    return Program(tuple(writer.steps), activation, in_channels, size, flat=True)


def layer_sizes(architecture: Architecture, resolution: int | None = None) -> list[int]:
    """Pixels of the input of each block and, last, of the head."""
    side = resolution or architecture.resolution
    sizes = [stem_cost(architecture.stem, architecture.in_channels, side).size]
    for block in architecture.blocks:
        sizes.append(block_cost(block, sizes[-1]).size)
    return sizes


class _Writer:
    """Collects steps and numbers their values."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._values = 0

    def conv(self, source: int, conv: Conv) -> int:
        return self._write("conv", source, conv=conv)

    def activate(self, value: int, function: Function | None) -> None:
        self.steps.append(Step("activation", value, value, function=function))

    def mean(self, source: int) -> int:
        return self._write("mean", source)

    def pool(self, kind: Literal["avg_pool", "max_pool"], source: int, stride: int) -> int:
        return self._write(kind, source, stride=stride)

    def in_place(self, kind: Literal["scale", "add"], value: int, other: int) -> None:
        self.steps.append(Step(kind, value, value, other))

    def _write(
        self, kind: StepKind, source: int, *, conv: Conv | None = None, stride: int = 1
    ) -> int:
        self._values += 1
        self.steps.append(Step(kind, source, self._values, conv=conv, stride=stride))
        return self._values


def _write_layers(
    writer: _Writer, layers: Iterable[Layer], value: int, own: Activation | None = None
) -> int:
    """The steps of layers in a row, with an activation of their own or the program's; gives the
    number of their output."""
    for layer in layers:
        match layer:
            case Convolution():
                value = writer.conv(value, _folded(layer))
                if layer.active:
                    writer.activate(value, own)
            case SqueezeExcite():
                _write_gates(writer, layer, value, own)
            case MaxPool():
                value = writer.pool("max_pool", value, layer.stride)
            case GlobalPool():
                value = writer.mean(value)
    return value


def _write_gates(writer: _Writer, layer: SqueezeExcite, value: int, own: Activation | None) -> None:
    reduced = writer.conv(writer.mean(value), Conv(layer.channels, layer.reduced))
    writer.activate(reduced, layer.activation or own)
    gates = writer.conv(reduced, Conv(layer.reduced, layer.channels))
    writer.activate(gates, layer.gate)
    writer.in_place("scale", value, gates)


def _write_block(writer: _Writer, block: Block, source: int) -> int:
    """The steps of one block; gives the number of its output."""
    value = _write_layers(writer, block_layers(block), source, block.activation)
    if block.shortcut != "none":
        writer.in_place("add", value, _write_shortcut(writer, block, source))
    if OPERATIONS[block.op].active_sum:
        writer.activate(value, block.activation)
    return value


def _write_shortcut(writer: _Writer, block: Block, source: int) -> int:
    if block.shortcut == "projection":
        return _write_layers(writer, [projection(block)], source)
    if block.shortcut == "pool":
        return writer.pool("avg_pool", source, block.stride)
    return source


def _folded(conv: Convolution) -> Conv:
    return Conv(conv.into, conv.out, conv.kernel, conv.stride, conv.groups)

"""A network as a device runs it: a list of steps, normalization folded into the convolutions.

The same steps run in torch (`torch_program`) and are written as ONNX (`onnx_program`), so that
every meter times the same network. A layer alone is a program too: what a lookup table measures.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from effsearch.search_spaces.activations import Activation, Function
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.cost import block_cost, stem_cost
from effsearch.search_spaces.operations import OPERATIONS, block_layers, projection
from effsearch.search_spaces.operations.layer import (
    Convolution,
    GlobalPool,
    Layer,
    MaxPool,
    Router,
    SqueezeExcite,
)
from effsearch.search_spaces.parts import Head, Stem
from effsearch.search_spaces.stem_and_head import head_layers, stem_layers
from effsearch.search_spaces.style import PLAIN, Padding, Style

StepKind = Literal[
    "conv", "cat", "norm", "activation", "mean", "scale", "add", "avg_pool", "max_pool"
]


@dataclass(frozen=True)
class Conv:
    """A convolution with bias, padded so that the size shrinks by the stride alone.

    A linear layer is a 1×1 convolution on one pixel.

    Attributes:
        into, out, kernel, stride, groups: as in torch.
        first: the first channel that it reads; its source may have more than `into`.
        padding: as in `Style`.
        experts: each image mixes its kernel from so many; 0 for one kernel.
    """

    into: int
    out: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    first: int = 0
    padding: Padding = "symmetric"
    experts: int = 0

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """(out, into / groups, kernel, kernel), behind the experts where there are some."""
        one = (self.out, self.into // self.groups, self.kernel, self.kernel)
        return (self.experts, *one) if self.experts else one

    def padded(self, size: int) -> tuple[int, int]:
        """Zeros before and behind a side of `size` pixels."""
        return Style(padding=self.padding).padded(size, self.kernel, self.stride)


@dataclass(frozen=True)
class Step:
    """One operation on numbered values.

    Attributes:
        kind: `scale` multiplies by gates (N, C, 1, 1), `add` adds `other` to the first of
            `source`'s channels, `cat` puts `others` behind `source`, pools are 3×3, `mean` is
            over all pixels, `norm` normalizes and then scales and shifts each channel.
        source: the value it reads.
        target: the value it writes; equal to `source` where it works in place.
        other: a second value it reads: of a `conv` the shares of its experts (N, experts, 1, 1).
        others: more values that a `cat` reads.
        conv: of a `conv`.
        stride: of a pool.
        function: of an `activation` that is not the program's.
        channels: of a `norm`.
        groups: of a `norm`: one mean for each group of channels, or 0 for one for each pixel.
    """

    kind: StepKind
    source: int
    target: int
    other: int | None = None
    conv: Conv | None = None
    stride: int = 1
    function: Function | None = None
    others: tuple[int, ...] = ()
    channels: int = 0
    groups: int = 0

    @property
    def reads(self) -> tuple[int, ...]:
        """The values that must be alive when the step starts."""
        return (self.source, *(() if self.other is None else (self.other,)), *self.others)

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Of its weight and its bias; None where it has none."""
        if self.conv is not None:
            return self.conv.weight_shape, (self.conv.out,)
        return ((self.channels,), (self.channels,)) if self.kind == "norm" else None


@dataclass(frozen=True)
class Program:
    """Steps from value 0, the input (N, channels, size, size), to the value of the last step.

    Attributes:
        steps: in the order in which they run.
        activation: of every `activation` step that has no function of its own.
        in_channels, size: of one input image or feature map.
        flat: the output is (N, C, 1, 1) and read as (N, C).
        norm_eps: of its `norm` steps.
    """

    steps: tuple[Step, ...]
    activation: Activation
    in_channels: int
    size: int
    flat: bool = False
    norm_eps: float = 1e-3

    @property
    def convs(self) -> tuple[Conv, ...]:
        """Every convolution in order."""
        return tuple(step.conv for step in self.steps if step.conv is not None)

    @property
    def shapes(self) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
        """Of weight and bias of every step that has them, in order: what `weights` are made for."""
        return tuple(step.shapes for step in self.steps if step.shapes is not None)

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
    writer = _Writer(architecture.style)
    value = _write_layers(writer, stem_layers(architecture.stem, architecture.in_channels), 0)
    for block in architecture.blocks:
        value = _write_block(writer, block, value)
    last = architecture.stages[-1].channels
    _write_layers(writer, head_layers(architecture.head, last, architecture.classes), value)
    return Program(
        tuple(writer.steps),
        architecture.activation,
        architecture.in_channels,
        size,
        flat=True,
        norm_eps=architecture.norm_eps,
    )


def stem_program(
    stem: Stem, in_channels: int, activation: Activation, size: int, style: Style = PLAIN
) -> Program:
    """The stem alone, on images of `size` pixels."""
    writer = _Writer(style)
    _write_layers(writer, stem_layers(stem, in_channels), 0)
    return Program(tuple(writer.steps), activation, in_channels, size)


def block_program(block: Block, activation: Activation, size: int, style: Style = PLAIN) -> Program:
    """One block alone, on feature maps of `size` pixels."""
    writer = _Writer(style)
    _write_block(writer, block, 0)
    return Program(tuple(writer.steps), activation, block.in_channels, size)


def head_program(
    in_channels: int,
    head: Head,
    classes: int,
    activation: Activation,
    size: int,
    style: Style = PLAIN,
) -> Program:
    """Last convolution, pooling and classifier alone, on feature maps of `size` pixels."""
    writer = _Writer(style)
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
    """Collects steps and numbers their values, in a network of some style."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.steps: list[Step] = []
        self._values = 0

    def conv(self, source: int, conv: Conv, shares: int | None = None) -> int:
        return self._write("conv", source, conv=conv, other=shares)

    def together(self, parts: Sequence[int]) -> int:
        first, *others = parts
        return self._write("cat", first, others=tuple(others)) if others else first

    def norm(self, source: int, channels: int) -> int:
        if self.style.folds:
            return source
        groups = self.style.norm_groups(channels)
        return self._write("norm", source, channels=channels, groups=groups)

    def activate(self, value: int, function: Function | None) -> None:
        self.steps.append(Step("activation", value, value, function=function))

    def mean(self, source: int) -> int:
        return self._write("mean", source)

    def pool(self, kind: Literal["avg_pool", "max_pool"], source: int, stride: int) -> int:
        return self._write(kind, source, stride=stride)

    def in_place(self, kind: Literal["scale", "add"], value: int, other: int) -> None:
        self.steps.append(Step(kind, value, value, other))

    def _write(self, kind: StepKind, source: int, **what: Any) -> int:
        self._values += 1
        self.steps.append(Step(kind, source, self._values, **what))
        return self._values


def _write_layers(
    writer: _Writer, layers: Iterable[Layer], value: int, own: Activation | None = None
) -> int:
    """The steps of layers in a row, with an activation of their own or the program's; gives the
    number of their output."""
    shares: int | None = None
    for layer in layers:
        match layer:
            case Router():
                shares = writer.conv(writer.mean(value), Conv(layer.channels, layer.experts))
                writer.activate(shares, "sigmoid")
            case Convolution():
                value = _write_conv(writer, layer, value, shares)
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


def _write_conv(writer: _Writer, layer: Convolution, source: int, shares: int | None) -> int:
    """A convolution, whose kernels may share its channels or be mixed, and what normalizes it."""
    written, first = [], 0
    for part in layer.parts:
        assert isinstance(part.kernel, int)
        conv = Conv(
            part.into,
            part.out,
            part.kernel,
            part.stride,
            part.groups,
            first=first,
            # Where nothing strides both are the same.
            padding=writer.style.padding if part.stride > 1 else "symmetric",
            experts=layer.experts,
        )
        written.append(writer.conv(source, conv, shares if layer.experts else None))
        first += part.into
    value = writer.together(written)
    return writer.norm(value, layer.out) if layer.after == "norm" else value

"""The layers a latency table is made of: stem, blocks and head, each with its sizes worked out.

A block is measured whole: what its convolutions leave in the caches for each other, and what an
engine fuses, is then measured too.
"""

import re
from dataclasses import dataclass
from typing import get_args

from effsearch.latency.program import (
    Program,
    block_program,
    head_program,
    layer_sizes,
    stem_program,
)
from effsearch.search_spaces.activations import Activation
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block, Shortcut, format_kernel, widest
from effsearch.search_spaces.cost import LayerCost, block_cost, head_cost, stem_cost
from effsearch.search_spaces.parts import Head, Pooled, Stage, Stem, StemKind
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.squeeze import SQUEEZES
from effsearch.search_spaces.stage_blocks import stage_blocks
from effsearch.search_spaces.style import PLAIN, Style, style_of

STEM, POOLED_STEM, HEAD = "stem", "stem_pool", "head"


@dataclass(frozen=True, order=True)
class Layer:
    """What a latency table has a row for.

    Attributes:
        operation: `stem`, `stem_pool`, `head`, or a block's operation; behind slashes what is not
            the usual of it: the kind of squeeze-excite, `g32` for 32 groups, kernels as notation
            has them (`k3.5.7`, `a1.1`, `p1.1`), `cc4` for 4 experts, how a head is pooled and
            how deep a stem is, the network's normalization (`norm_layer`) and padding (`pad_same`).
        kernel, stride: of the spatial convolution; of several kernels the largest.
        in_channels, out_channels: of the layer; a head's outputs are the classes.
        mid_channels: hidden width (the expansion); of a head its convolution's, 0 without one.
        se_channels: squeeze-excite width, 0 for none.
        shortcut: what is added to the output.
        activation: the layer's.
        size: height and width of the input, pixels.
    """

    operation: str
    kernel: int
    stride: int
    in_channels: int
    mid_channels: int
    out_channels: int
    se_channels: int
    shortcut: Shortcut
    activation: Activation
    size: int

    @property
    def kind(self) -> str:
        """Its operation without what is not the usual of it."""
        return self.operation.partition("/")[0]

    def __str__(self) -> str:
        squeeze = f" se{self.se_channels}" if self.se_channels else ""
        return (
            f"{self.operation} k{self.kernel} s{self.stride} "
            f"{self.in_channels}-{self.mid_channels}-{self.out_channels}{squeeze} "
            f"{self.shortcut} {self.activation} at {self.size} px"
        )


def stem_layer(
    stem: Stem, in_channels: int, activation: Activation, size: int, style: Style = PLAIN
) -> Layer:
    """The row of a stem on images of `size` pixels."""
    out = stem.channels
    kind = "" if stem.kind == "plain" else f"/{stem.kind}"
    operation = (POOLED_STEM if stem.pool else STEM) + kind + _unusual_style(style)
    return Layer(
        operation, stem.kernel, stem.stride, in_channels, out, out, 0, "none", activation, size
    )


def block_layer(block: Block, activation: Activation, size: int, style: Style = PLAIN) -> Layer:
    """The row of a block whose input has `size` pixels."""
    squeeze = "" if block.squeeze == "efficientnet" else f"/{block.squeeze}"
    groups = "" if block.groups == 1 else f"/g{block.groups}"
    several = "" if isinstance(block.kernel, int) else f"/k{format_kernel(block.kernel)}"
    around = "".join(
        f"/{key}{format_kernel(kernel)}"
        for key, kernel in (("a", block.before), ("p", block.after))
        if kernel
    )
    experts = f"/cc{block.experts}" if block.experts else ""
    return Layer(
        block.op + squeeze + groups + several + around + experts + _unusual_style(style),
        widest(block.kernel),
        block.stride,
        block.in_channels,
        block.mid_channels,
        block.out_channels,
        block.se_channels,
        block.shortcut,
        block.activation or activation,
        size,
    )


def _unusual_style(style: Style) -> str:
    norm = "" if style.norm == PLAIN.norm else f"/norm_{style.norm}"
    return norm + ("" if style.padding == PLAIN.padding else f"/pad_{style.padding}")


def head_layer(
    in_channels: int,
    head: Head,
    classes: int,
    activation: Activation,
    size: int,
    style: Style = PLAIN,
) -> Layer:
    """The row of a head whose input has `size` pixels."""
    operation = (f"{HEAD}/{head.pooled}" if head.pooled else HEAD) + _unusual_style(style)
    return Layer(operation, 1, 1, in_channels, head.channels, classes, 0, "none", activation, size)


def layers_of(architecture: Architecture, resolution: int | None = None) -> list[Layer]:
    """The layers of a network from stem to head, at its own resolution or another."""
    activation, style = architecture.activation, architecture.style
    side = resolution or architecture.resolution
    *sizes, last = layer_sizes(architecture, side)
    return [
        stem_layer(architecture.stem, architecture.in_channels, activation, side, style),
        *(
            block_layer(block, activation, size, style)
            for block, size in zip(architecture.blocks, sizes, strict=True)
        ),
        head_layer(
            architecture.stages[-1].channels,
            architecture.head,
            architecture.classes,
            activation,
            last,
            style,
        ),
    ]


def layers_of_space(space: SearchSpace, resolution: int | None = None) -> list[Layer]:
    """Every distinct layer of every network of a space, in a stable order."""
    found: set[Layer] = set()
    for network in space.local_options("network"):
        activation, style = network.get("activation", "silu"), style_of(network)
        side = resolution or network.get("resolution", 224)
        states: set[tuple[int, int]] = set()  # channels, pixels
        for values in space.local_options("stem"):
            stem, image = Stem(**values), network.get("in_channels", 3)
            found.add(stem_layer(stem, image, activation, side, style))
            states.add((stem.channels, stem_cost(stem, image, side).size))
        for index in range(space.stages):
            stages = [Stage(**values) for values in space.local_options(f"stages.{index}")]
            reached: set[tuple[int, int]] = set()
            for channels, size in states:
                for stage in stages:
                    layers, out = stage_layers(stage, channels, activation, size, style)
                    found.update(layers)
                    reached.add((stage.channels, out))
            states = reached
        for values in space.local_options("head"):
            for channels, size in states:
                classes = network.get("classes", 1000)
                found.add(head_layer(channels, Head(**values), classes, activation, size, style))
    return sorted(found)


def stage_layers(
    stage: Stage, in_channels: int, activation: Activation, size: int, style: Style = PLAIN
) -> tuple[list[Layer], int]:
    """The layers of a stage on feature maps of `size` pixels, and the pixels that come out."""
    layers = []
    for block in stage_blocks(stage, in_channels):
        layers.append(block_layer(block, activation, size, style))
        size = block_cost(block, size).size
    return layers, size


def layer_program(layer: Layer) -> Program:
    """A layer alone, as a program to be timed."""
    style = _style(layer)
    match layer.kind:
        case "stem" | "stem_pool":
            return stem_program(
                _stem(layer), layer.in_channels, layer.activation, layer.size, style
            )
        case "head":
            return head_program(
                layer.in_channels,
                _head(layer),
                layer.out_channels,
                layer.activation,
                layer.size,
                style,
            )
        case _:
            return block_program(_block(layer), layer.activation, layer.size, style)


def layer_cost(layer: Layer) -> LayerCost:
    """MACs, parameters, memory and output size of a layer."""
    style = _style(layer)
    match layer.kind:
        case "stem" | "stem_pool":
            return stem_cost(_stem(layer), layer.in_channels, layer.size, style)
        case "head":
            return head_cost(layer.in_channels, _head(layer), layer.out_channels, layer.size, style)
        case _:
            return block_cost(_block(layer), layer.size, style)


def _style(layer: Layer) -> Style:
    unusual = (part.partition("_") for part in layer.operation.split("/")[1:])
    found = {key: value for key, _, value in unusual}
    return Style(found.get("norm", PLAIN.norm), found.get("pad", PLAIN.padding))  # type: ignore[arg-type]


def _head(layer: Layer) -> Head:
    _, *unusual = layer.operation.split("/")
    pooled = next((part for part in unusual if part in get_args(Pooled)), None)
    return Head(channels=layer.mid_channels, pooled=pooled)  # type: ignore[arg-type]


def _stem(layer: Layer) -> Stem:
    _, *unusual = layer.operation.split("/")
    kind = next((part for part in unusual if part in get_args(StemKind)), "plain")
    return Stem(
        channels=layer.out_channels,
        kernel=layer.kernel,
        stride=layer.stride,
        pool=layer.kind == POOLED_STEM,
        kind=kind,  # type: ignore[arg-type]
    )


def _block(layer: Layer) -> Block:
    operation, *unusual = layer.operation.split("/")
    squeezes = [kind for kind in SQUEEZES if kind in unusual]
    written = [found for part in unusual if (found := _SIZES.fullmatch(part))]
    kernels = {found[1]: tuple(map(int, found[2].split("."))) for found in written}
    several = {key: sides if len(sides) > 1 else sides[0] for key, sides in kernels.items()}
    return Block(
        operation,
        several.get("k", layer.kernel),
        layer.stride,
        layer.in_channels,
        layer.mid_channels,
        layer.out_channels,
        layer.se_channels,
        layer.shortcut,
        squeeze=squeezes[0] if squeezes else "efficientnet",
        groups=kernels.get("g", (1,))[0],
        before=several.get("a", 0),
        after=several.get("p", 0),
        experts=kernels.get("cc", (0,))[0],
    )


_SIZES = re.compile(r"(g|k|a|p|cc)(\d+(?:\.\d+)*)")

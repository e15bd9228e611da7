"""Which shared tensor each tensor of a network is cut from.

A layer of a network is told by its place (stage, layer in the stage) and by what it is there (the
operation, the convolutions it has, the layer's own name among them). Layers of one place and kind
share one tensor, whatever their widths and kernels: the first channels of each axis are cut out of
it, and the centre of a kernel. What differs in kind stands side by side. All of it follows from an
operation's list of layers, so a new operation is shared as soon as it is known.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.network import Network
from effsearch.search_spaces.operations import block_layers, projection
from effsearch.search_spaces.operations.layer import Convolution, Layer, Router, SqueezeExcite
from effsearch.search_spaces.stage_blocks import stage_blocks
from effsearch.search_spaces.stem_and_head import head_layers, stem_layers

Shape = tuple[int, ...]
_CLASSIFIER = "classifier"


@dataclass(frozen=True)
class Cut:
    """One tensor of a network.

    Attributes:
        shared: name of the tensor it is cut from.
        shape: its own; no axis is longer than that of the shared one.
        deviation: of its initial values; 0 for zeros, None for ones.
    """

    shared: str
    shape: Shape
    deviation: float | None = 0.0


def cuts(architecture: Architecture, classes: int, in_channels: int = 3) -> Iterator[Cut]:
    """The trained tensors of a network, in the order of `trained_tensors`."""
    yield from layer_cuts("stem", stem_layers(architecture.stem, in_channels))
    channels = architecture.stem.channels
    for number, stage in enumerate(architecture.stages):
        for layer, block in enumerate(stage_blocks(stage, channels)):
            yield from block_cuts(number, layer, block)
        channels = stage.channels
    yield from layer_cuts("head", head_layers(architecture.head, channels, classes))


def block_cuts(stage: int, layer: int, block: Block) -> Iterator[Cut]:
    """The trained tensors of one block; stage and layer count from 0."""
    layers = block_layers(block)
    yield from layer_cuts(f"stages:{stage}:{layer}:{block.op}", layers)
    if block.shortcut == "projection":
        yield from layer_cuts(f"stages:{stage}:{layer}:{block.op}", (projection(block),))


def layer_cuts(place: str, layers: Sequence[Layer]) -> Iterator[Cut]:
    """The trained tensors of layers in a row that stand at a place."""
    convolutions = [one for one in layers if isinstance(one, Convolution)]
    # An MBConv without expansion calls its projection as one with expansion calls that.
    kind = "+".join(_plain(one.names[0]) for one in convolutions)
    for made in layers:
        if isinstance(made, Convolution):
            yield from _convolution(f"{place}:{kind}", made)
        elif isinstance(made, SqueezeExcite):
            first, second = (f"{place}:{kind}:{_plain(name)}" for name in made.names)
            yield from _dense(first, (made.reduced, made.channels, 1, 1))
            yield from _dense(second, (made.channels, made.reduced, 1, 1))
        elif isinstance(made, Router):
            name = f"{place}:{kind}:{_plain(made.names[0])}"
            yield from _dense(name, (made.experts, made.channels))


def _dense(name: str, shape: Shape) -> Iterator[Cut]:
    """A weight over all channels, and its bias."""
    yield Cut(f"{name}:weight", shape, math.sqrt(2.0 / shape[0]))
    yield Cut(f"{name}:bias", shape[:1])


def _convolution(place: str, made: Convolution) -> Iterator[Cut]:
    for part in made.parts:
        name = f"{place}:{_plain(part.names[0])}{_own(part)}"
        yield Cut(f"{name}:weight", _weight(part), _deviation(part))
        if part.after == "bias":
            yield Cut(f"{name}:bias", (part.out,))
    if made.after == "norm":
        name = f"{place}:{_plain(made.names[0])}:norm"
        yield Cut(f"{name}:weight", (made.out,), None)
        yield Cut(f"{name}:bias", (made.out,))


def _own(part: Convolution) -> str:
    """What of a convolution is no slice of a larger one, so that it has a tensor of its own."""
    into, out = part.into // part.groups, part.out // part.groups
    if part.experts:  # their kernels lie flat in memory, so there is no first channel to cut
        return f":{part.experts} experts of {part.out}x{into}x{part.kernel}"
    own = "" if part.after == "norm" else f":{part.after}"
    if part.groups == 1:
        return own
    if part.groups == part.into == part.out:
        return f":depthwise{own}"
    # The first channels are whole groups of a wider one only where the groups are of one size.
    return f":{into}x{out}{own}"


def _weight(part: Convolution) -> Shape:
    assert isinstance(part.kernel, int)
    into = part.into // part.groups
    if part.experts:
        return (part.experts, part.out * into * part.kernel**2)
    if part.names[0] == _CLASSIFIER:
        return (part.out, into)
    return (part.out, into, part.kernel, part.kernel)


def _deviation(part: Convolution) -> float:
    """As EfficientNet's code begins; a classifier of few classes as calmly as one of 1,000."""
    assert isinstance(part.kernel, int)
    if part.names[0] == _CLASSIFIER:
        return 1.0 / math.sqrt(3 * max(1000, part.out))
    return math.sqrt(2.0 * part.groups / (part.kernel**2 * part.out))


def _plain(name: str) -> str:
    """A name without the points that torch forbids."""
    return name.replace(".", "-")


def trained_tensors(network: Network) -> Iterator[tuple[nn.Module, str]]:
    """Where a network keeps its trained tensors, module and attribute, in the order of its
    layers."""
    for part in (network.stem, *network.blocks, network.head, network.classifier):
        for module in part.modules():
            for name, _ in module.named_parameters(recurse=False):
                yield module, name

"""Which shared tensor each tensor of a network is cut from.

A layer of a network is told by its place (stage, layer in the stage) and by what it is there (the
operation, the convolutions it has, the layer's own name among them). Layers of one place and kind
share one tensor, whatever their widths and kernels: the first channels of each axis are cut out of
it, and the centre of a kernel. What differs in kind stands side by side. All of it follows from an
operation's list of layers, so a new operation is shared as soon as it is known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from effsearch.search_spaces.architecture import Architecture, stage_blocks
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.network import Network
from effsearch.search_spaces.operations import block_layers, projection
from effsearch.search_spaces.operations.layer import Convolution, Layer, SqueezeExcite
from effsearch.search_spaces.stem_and_head import head_layers, stem_layers

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Cut:
    """One tensor of a network.

    Attributes:
        shared: name of the tensor it is cut from.
        shape: its own; no axis is longer than that of the shared one.
    """

    shared: str
    shape: Shape


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
    kind = "+".join(one.names[0].replace(".", "-") for one in convolutions)
    for made in layers:
        if isinstance(made, Convolution):
            yield from _convolution(f"{place}:{kind}", made)
        elif isinstance(made, SqueezeExcite):
            first, second = (f"{place}:{kind}:{name.replace('.', '-')}" for name in made.names)
            yield Cut(f"{first}:weight", (made.reduced, made.channels, 1, 1))
            yield Cut(f"{first}:bias", (made.reduced,))
            yield Cut(f"{second}:weight", (made.channels, made.reduced, 1, 1))
            yield Cut(f"{second}:bias", (made.channels,))


def _convolution(place: str, made: Convolution) -> Iterator[Cut]:
    name = f"{place}:{made.names[0].replace('.', '-')}"
    # Its first channels are whole groups of a wider one only where the groups are of one size.
    if 1 < made.groups < made.into or (made.groups > 1 and made.out != made.into):
        name += f":{made.into // made.groups}x{made.out // made.groups}"
    elif made.groups > 1:
        name += ":depthwise"
    if made.after != "norm":
        name += f":{made.after}"
    classifies = made.names[0] == "classifier"
    kernel = () if classifies else (made.kernel, made.kernel)
    yield Cut(f"{name}:weight", (made.out, made.into // made.groups, *kernel))
    if made.after == "bias":
        yield Cut(f"{name}:bias", (made.out,))
    if made.after == "norm":
        yield Cut(f"{name}:norm:weight", (made.out,))
        yield Cut(f"{name}:norm:bias", (made.out,))


def trained_tensors(network: Network) -> Iterator[tuple[nn.Module, str]]:
    """Where a network keeps its trained tensors, module and attribute, in the order of its
    layers."""
    for part in (network.stem, *network.blocks, network.head, network.classifier):
        for module in part.modules():
            for name, _ in module.named_parameters(recurse=False):
                yield module, name

"""Where the blocks of a network stand, and what the tensors of their layers are called there."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Literal

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.operations import block_layers
from effsearch.search_spaces.operations.layer import (
    Convolution,
    Layer,
    Pair,
    Router,
    SqueezeExcite,
    is_lone,
)
from effsearch.search_spaces.stage_blocks import stage_blocks
from effsearch.search_spaces.stem_and_head import stem_layers

Library = Literal["timm", "torchvision"]


@dataclass(frozen=True)
class Place:
    """A block, and where it stands: stage, layer in the stage, layer in the network; from 0."""

    block: Block
    stage: int
    layer: int
    index: int

    @property
    def layers(self) -> list[tuple[Layer, Pair]]:
        """The layers with tensors, and the names of their two in `search_spaces.network`."""
        body = f"blocks.{self.index}" + ("" if self.block.shortcut == "none" else ".body")
        layers = block_layers(self.block)
        if is_lone(layers):
            # A lone convolution is not nested, and what follows it stands behind its activation.
            return [(layers[0], (f"{body}.0", f"{body}.1"))]
        leaves = {SqueezeExcite: ("reduce", "expand"), Router: ("linear", "")}
        named: list[tuple[Layer, Pair]] = []
        for position, layer in enumerate(layers):
            one, other = leaves.get(type(layer), ("0", "1"))
            named.append((layer, (f"{body}.{position}.{one}", f"{body}.{position}.{other}")))
        return named

    def named(self, prefix: str) -> dict[str, str]:
        """From our names to those that the layers themselves say."""
        names = {}
        for layer, (first, second) in self.layers:
            if isinstance(layer, Router):
                names[first] = f"{prefix}.{layer.names[0]}"
            elif isinstance(layer, SqueezeExcite | Convolution):
                names[second] = f"{prefix}.{layer.names[1]}"
                if isinstance(layer, SqueezeExcite) or len(layer.parts) == 1:
                    names[first] = f"{prefix}.{layer.names[0]}"
                    continue
                for place, part in enumerate(layer.parts):
                    names[f"{first}.{place}"] = f"{prefix}.{part.names[0]}"
        return names


def places(architecture: Architecture) -> Iterator[Place]:
    index, channels = count(), architecture.stem.channels
    number, layer = -1, count()
    for stage in architecture.stages:
        if number < 0 or not stage.joined:
            number, layer = number + 1, count()
        for block in stage_blocks(stage, channels):
            yield Place(block, number, next(layer), next(index))
        channels = stage.channels


def stem_names(architecture: Architecture, plain: Pair) -> dict[str, str]:
    """From our names of the stem's tensors to the library's: `plain` where it is one convolution,
    else what its layers themselves say."""
    convs = [one for one in stem_layers(architecture.stem, 3) if isinstance(one, Convolution)]
    if len(convs) == 1:
        return dict(zip(("stem.0", "stem.1"), plain, strict=True))
    return {
        f"stem.{place}.{part}": name
        for place, conv in enumerate(convs)
        for part, name in enumerate(conv.names)
    }

"""The layer table of an architecture: what each layer is and what it costs."""

from dataclasses import dataclass

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block, widest
from effsearch.search_spaces.cost import BYTES_PER_ACTIVATION, LayerCost, layer_costs
from effsearch.search_spaces.stage_blocks import stage_blocks


@dataclass(frozen=True, kw_only=True)
class Row:
    """One layer.

    Attributes:
        name: `stem`, `stage 2, layer 1` (both counted from 1), or `head`.
        op: a block's operation; `conv`, `conv + max pool` for the stem; `conv + linear` or
            `linear` for the head.
        kernel: of the spatial convolution; the largest where several share its channels.
        stride: of the whole layer, the stem's pooling included.
        in_channels: channels that come in.
        mid_channels: hidden width; of the head the features that enter the classifier.
        out_channels: channels that go out; of the head the classes.
        se_channels: squeeze-excite width, 0 for none.
        shortcut: `none`, `identity`, `pool` or `projection`.
        size: height and width of the output in pixels.
        macs: multiply-adds of convolutions and linear layers.
        params: trainable parameters, normalization's included.
        memory_bytes: the most activation memory alive within the layer, float32.
    """

    name: str
    op: str
    kernel: int
    stride: int
    in_channels: int
    mid_channels: int
    out_channels: int
    se_channels: int = 0
    shortcut: str = "none"
    size: int
    macs: int
    params: int
    memory_bytes: int


def profile(architecture: Architecture, resolution: int | None = None) -> list[Row]:
    """Rows from stem to head; MACs and parameters add up to `cost`, memory's largest is its peak.

    An identity that changes nothing is no layer and has no row.

    Args:
        architecture: what to look at.
        resolution: pixels, where they differ from the architecture's.
    """
    stem_cost, *block_costs, head_cost = layer_costs(architecture, resolution)
    blocks = zip(_named_blocks(architecture), block_costs, strict=True)
    return [
        _stem_row(architecture, stem_cost),
        *(_block_row(name, block, layer) for (name, block), layer in blocks),
        _head_row(architecture, head_cost),
    ]


def _named_blocks(architecture: Architecture) -> list[tuple[str, Block]]:
    named: list[tuple[str, Block]] = []
    channels = architecture.stem.channels
    for number, stage in enumerate(architecture.stages, start=1):
        for layer, block in enumerate(stage_blocks(stage, channels), start=1):
            named.append((f"stage {number}, layer {layer}", block))
        channels = stage.channels
    return named


def _stem_row(architecture: Architecture, layer: LayerCost) -> Row:
    stem = architecture.stem
    return Row(
        name="stem",
        op=("conv" if stem.kind == "plain" else "3 conv") + (" + max pool" if stem.pool else ""),
        kernel=stem.kernel,
        stride=stem.stride * (2 if stem.pool else 1),
        in_channels=architecture.in_channels,
        mid_channels=stem.channels,
        out_channels=stem.channels,
        size=layer.size,
        macs=layer.macs,
        params=layer.params,
        memory_bytes=layer.peak * BYTES_PER_ACTIVATION,
    )


def _block_row(name: str, block: Block, layer: LayerCost) -> Row:
    return Row(
        name=name,
        op=block.op,
        kernel=widest(block.kernel),
        stride=block.stride,
        in_channels=block.in_channels,
        mid_channels=block.mid_channels,
        out_channels=block.out_channels,
        se_channels=block.se_channels,
        shortcut=block.shortcut,
        size=layer.size,
        macs=layer.macs,
        params=layer.params,
        memory_bytes=layer.peak * BYTES_PER_ACTIVATION,
    )


def _head_row(architecture: Architecture, layer: LayerCost) -> Row:
    return Row(
        name="head",
        op="conv + linear" if architecture.head.channels else "linear",
        kernel=1,
        stride=1,
        in_channels=architecture.stages[-1].channels,
        mid_channels=architecture.features,
        out_channels=architecture.classes,
        size=layer.size,
        macs=layer.macs,
        params=layer.params,
        memory_bytes=layer.peak * BYTES_PER_ACTIVATION,
    )

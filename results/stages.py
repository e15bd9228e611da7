"""A network stage by stage, as the tables of the MnasNet and EfficientNet papers show it."""

from dataclasses import dataclass
from functools import lru_cache

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import block_cost, head_cost, stem_cost
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.search_spaces.parts import Stage, Stem
from effsearch.search_spaces.stage_blocks import stage_blocks


@dataclass(frozen=True, kw_only=True)
class StageSummary:
    """Stem, one stage, or head.

    Attributes:
        name: `stem`, `1` … for the stages, `head`.
        operator: such as `MBConv6 5x5`.
        se: squeeze-excite ratio, 0 for none.
        skip: `identity`, `pool` or `none`, as the stage asks for it.
        channels: that go out.
        layers: that are built; 0 for an identity of no effect.
        stride: of the first layer.
        in_size, out_size: height and width in pixels.
        macs: multiply-adds of convolutions and linear layers.
        params: trainable parameters.
    """

    name: str
    operator: str
    se: float = 0.0
    skip: str = "none"
    channels: int
    layers: int = 1
    stride: int = 1
    in_size: int
    out_size: int
    macs: int
    params: int


def operator_name(stage: Stage) -> str:
    """Operation with its expansion, `MBConv6`; without its kernel."""
    return OPERATIONS[stage.op].label.format(expand=stage.expand)


def _kernels(stage: Stage) -> str:
    """Of the spatial convolutions in order: `3x3`, `3x3/5x5` where two share the channels,
    `5x5+3x3` of two in a row."""
    row = [stage.kernel]
    if OPERATIONS[stage.op].around == "depthwise":
        row = [stage.kernel_before, stage.kernel, stage.kernel_after]
    several = [(kernel,) if isinstance(kernel, int) else kernel for kernel in row if kernel]
    return "+".join("/".join(f"{side}x{side}" for side in kernels) for kernels in several)


def stage_summaries(architecture: Architecture) -> list[StageSummary]:
    """Stem, stages and head; MACs and parameters add up to `cost`."""
    stem, head = architecture.stem, architecture.head
    first = stem_cost(stem, architecture.in_channels, architecture.resolution)
    rows = [
        StageSummary(
            name="stem",
            operator=_stem(stem),
            channels=stem.channels,
            stride=stem.stride,
            in_size=architecture.resolution,
            out_size=first.size,
            macs=first.macs,
            params=first.params,
        )
    ]
    channels, size = stem.channels, first.size
    for number, stage in enumerate(architecture.stages, start=1):
        rows.append(_stage(str(number), stage, channels, size))
        channels, size = stage.channels, rows[-1].out_size
    last = head_cost(channels, head, architecture.classes, size)
    rows.append(
        StageSummary(
            name="head",
            operator="Conv 1x1, pool, FC" if head.channels else "Pool, FC",
            channels=architecture.features,
            in_size=size,
            out_size=1,
            macs=last.macs,
            params=last.params,
        )
    )
    return rows


def _stem(stem: Stem) -> str:
    count = "" if stem.kind == "plain" else f"{len(stem.widths)} "
    return f"{count}Conv {stem.kernel}x{stem.kernel}" + (", max pool" if stem.pool else "")


@lru_cache(maxsize=65536)
def _stage(name: str, stage: Stage, channels: int, size: int) -> StageSummary:
    blocks = stage_blocks(stage, channels)
    macs = params = 0
    in_size = size
    for block in blocks:
        layer = block_cost(block, size)
        macs, params, size = macs + layer.macs, params + layer.params, layer.size
    return StageSummary(
        name=name,
        operator=operator_name(stage)
        if OPERATIONS[stage.op].resamples
        else f"{operator_name(stage)} {_kernels(stage)}".rstrip(),
        se=stage.se,
        skip=stage.skip,
        channels=stage.channels,
        layers=len(blocks),
        stride=stage.stride,
        in_size=in_size,
        out_size=size,
        macs=macs,
        params=params,
    )

"""The blocks that a stage resolves to: each of its layers with the channels worked out."""

from functools import lru_cache

from effsearch.search_spaces.block import Block, Shortcut
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.operations import OPERATIONS, block_layers
from effsearch.search_spaces.operations.layer import Convolution
from effsearch.search_spaces.parts import Sizes, Stage
from effsearch.search_spaces.squeeze import SQUEEZES, Width, divisible, squeeze_width


# A search makes millions of networks from few different stages, so what follows from a stage is
# worked out once and shared.
@lru_cache(maxsize=2**16)
def stage_blocks(stage: Stage, in_channels: int) -> tuple[Block, ...]:
    """The blocks of one stage behind `in_channels` channels; empty for an identity of no effect."""
    first = _resolve(stage, in_channels, stage.stride)
    if stage.layers == 1:
        return (first,) if first else ()
    rest = _resolve(stage, stage.channels, 1)
    return tuple(block for block in (first, *[rest] * (stage.layers - 1)) if block)


def _resolve(stage: Stage, in_channels: int, stride: int) -> Block | None:
    out = stage.channels
    operation = OPERATIONS[stage.op]
    keeps_shape = stride == 1 and in_channels == out
    if operation.resamples:
        if keeps_shape:
            return None
        return Block(stage.op, 1, stride, in_channels, in_channels, out, 0, "none")
    mid, squeeze = _widths(stage, in_channels, stage.sizes)
    op, before = stage.op, stage.kernel_before
    if mid == in_channels:
        # timm keeps a convolution whose expansion is only rounded away.
        keeps = (stage.sizes == "timm" and stage.expand != 1) or stage.experts
        op = (operation.kept if keeps else None) or operation.unexpanded or op
        if operation.around == "pointwise" and not OPERATIONS[op].pointwise:
            before = 0  # of what is not there
    block = Block(
        op,
        stage.kernel,
        stride,
        in_channels,
        mid,
        out,
        squeeze,
        _shortcut(stage, in_channels, keeps_shape),
        stage.activation,
        stage.squeeze if squeeze else "efficientnet",
        _groups(stage, in_channels, mid),
        before,
        stage.kernel_after,
        stage.experts,
    )
    return _check_channels(block) if may_not_fit(stage) else block


def may_not_fit(stage: Stage) -> bool:
    """Whether channels may be such that a layer cannot be made of them."""
    kernels = (stage.kernel, stage.kernel_before, stage.kernel_after)
    return bool(stage.group_size) or any(isinstance(kernel, tuple) for kernel in kernels)


@lru_cache(maxsize=2**16)
def sizes_differ(stage: Stage, in_channels: int) -> bool:
    """Whether timm's rounding gives another width in any layer of a stage than no rounding."""
    inputs = {in_channels} if stage.layers == 1 else {in_channels, stage.channels}
    expands = stage.expand != 1 and OPERATIONS[stage.op].kept is not None
    for into in inputs:
        widths = _widths(stage, into, "timm")
        if widths != _widths(stage, into, "exact") or (expands and widths[0] == into):
            return True
    return False


def _widths(stage: Stage, in_channels: int, sizes: Sizes) -> tuple[int, int]:
    """The hidden width of a layer and the width of its squeeze, 0 for none."""
    operation = OPERATIONS[stage.op]
    mid = operation.hidden(in_channels, stage.channels, stage.expand)
    if sizes == "exact" or not operation.rounds:
        widths: dict[Width, int] = {"input": in_channels, "hidden": mid, "output": stage.channels}
        return mid, squeeze_width(stage.squeeze, stage.se, widths)
    ratio = stage.expand
    if operation.pointwise or ratio != 1:
        mid = divisible(in_channels * ratio)
    if SQUEEZES[stage.squeeze].of == "input":
        return mid, max(1, round(mid * (stage.se / ratio))) if stage.se else 0
    widths = {"input": in_channels, "hidden": mid, "output": stage.channels}
    return mid, squeeze_width(stage.squeeze, stage.se, widths)


def _groups(stage: Stage, in_channels: int, mid: int) -> int:
    if not stage.group_size:
        return 1
    grouped = in_channels if OPERATIONS[stage.op].grouped == "input" else mid
    if grouped % stage.group_size:
        raise InputError(
            f"stage '{stage.op}': {grouped} channels are not a multiple of the group size "
            f"{stage.group_size}"
        )
    if OPERATIONS[stage.op].depthwise and grouped == stage.group_size:
        raise InputError(
            f"stage '{stage.op}': a group size of {stage.group_size} leaves one group of all "
            "channels: give a smaller one"
        )
    return grouped // stage.group_size


def _check_channels(block: Block) -> Block:
    for layer in block_layers(block):
        if not isinstance(layer, Convolution):
            continue
        if not isinstance(layer.kernel, int):
            fewest = min(layer.into, layer.out)
            if fewest < len(layer.kernel):
                raise InputError(
                    f"'{block.op}': {len(layer.kernel)} kernels cannot share {fewest} channels"
                )
        elif layer.into % layer.groups or layer.out % layer.groups:
            raise InputError(
                f"'{block.op}' cannot have {layer.groups} groups between {layer.into} and "
                f"{layer.out} channels: both must be multiples"
            )
    return block


def _shortcut(stage: Stage, in_channels: int, keeps_shape: bool) -> Shortcut:
    if stage.skip == "identity":
        if keeps_shape:
            return "identity"
        return "projection" if OPERATIONS[stage.op].projects else "none"
    # Zero channels can be added without parameters, channels cannot be dropped without choosing.
    if stage.skip == "pool" and in_channels <= stage.channels:
        return "pool"
    return "none"

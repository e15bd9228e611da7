"""RegNet's rule (arXiv 2003.13678, section 3.3): widths that grow along a line, quantized."""

import math
from itertools import groupby

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.parts import Stage

_MULTIPLE = 8


def regnet_stages(
    *, depth: int, start: int, slope: float, step: float, group: int, se: float = 0.0
) -> tuple[Stage, ...]:
    """The stages of a RegNet: block j is `start + slope·j` wide, rounded to a power of `step`.

    Args:
        depth: blocks in all.
        start: width of the first block, a multiple of 8 (w₀ of the paper).
        slope: by which a block is wider than the one before it, at least 0 (w_a).
        step: between the widths of two stages, more than 1 (w_m).
        group: channels in a group of the 3×3 convolutions.
        se: squeeze-excite as a share of a block's input (0.25 in RegNetY); 0 for none.

    Raises:
        InputError: a value out of range.

    Example:
        >>> stages = regnet_stages(depth=22, start=24, slope=24.48, step=2.54, group=16)
        >>> [(stage.channels, stage.layers) for stage in stages]
        [(32, 1), (64, 2), (160, 7), (400, 12)]
    """
    if depth < 1 or start < 1 or start % _MULTIPLE or slope < 0 or step <= 1 or group < 1:
        raise InputError(
            "a RegNet needs depth and group of at least 1, a start that is a multiple of 8, a "
            "slope of at least 0 and a step above 1"
        )
    widths = []
    for block in range(depth):
        power = round(math.log((start + slope * block) / start) / math.log(step))
        widths.append(round(start * step**power / _MULTIPLE) * _MULTIPLE)
    stages = []
    for width, blocks in groupby(widths):
        size = min(group, width)
        stages.append(
            Stage(
                op="bottleneck",
                channels=(width + size // 2) // size * size,  # halves up
                layers=len(list(blocks)),
                stride=2,
                expand=1.0,
                group_size=size,
                se=se,
            )
        )
    return tuple(stages)

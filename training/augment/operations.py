"""Named operations of augmentation policies, a different one for each image of a batch.

A policy draws an operation and a strength an image; here all images of a kind are changed at once,
so a batch costs about as many kernels as there are operations, whatever its size.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor

from effsearch.training.augment import levels, pixels

Operation: TypeAlias = Callable[[Tensor, Tensor], Tensor]

TABLES: Mapping[str, levels.Table] = MappingProxyType(
    {
        "brightness": levels.brightness,
        "contrast": levels.contrast,
        "posterize": levels.posterize,
        "solarize": levels.solarize,
        "invert": levels.invert,
        "auto_contrast": levels.auto_contrast,
        "equalize": levels.equalize,
    }
)
BLENDS: Mapping[str, Operation] = MappingProxyType(
    {"color": pixels.colour, "sharpness": pixels.sharpness}
)
MOVES: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "rotate": pixels.rotation,
        "shear_x": pixels.shear_x,
        "shear_y": pixels.shear_y,
        "translate_x": pixels.translation_x,
        "translate_y": pixels.translation_y,
    }
)
NAMES = ("identity", *TABLES, *BLENDS, *MOVES)
"""An operation's number is its place here; 0 leaves the image as it is."""


def apply_operations(images: Tensor, operations: Tensor, strengths: Tensor, fill: Tensor) -> Tensor:
    """Change each image by its own operation.

    Args:
        images: uint8 (N, 3, S, S), left as they are.
        operations: int64 (N,), places in `NAMES`, on the CPU: the device is not waited for.
        strengths: float32 (N,), on the CPU: factors, degrees, bits, thresholds or shares of the
            side, as the operation wants them.
        fill: float32 (3,) on the images' device: what comes in from outside, in grey levels.

    Returns:
        uint8 (N, 3, S, S), channels-last.
    """
    changed = images.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format)
    # Operations of one kind lie side by side in this order, so every part is a slice of it.
    order = operations.argsort(stable=True)
    counts = torch.bincount(operations, minlength=len(NAMES)).tolist()
    order, strengths = (
        part.to(images.device, non_blocking=True) for part in (order, strengths[order])
    )
    parts = list(
        zip(NAMES, torch.split(order, counts), torch.split(strengths, counts), strict=True)
    )

    def some(names: Mapping[str, object]) -> list[tuple[str, Tensor, Tensor]]:
        return [part for part in parts if part[0] in names and len(part[1])]

    def taken(index: Tensor) -> Tensor:
        return changed.index_select(0, index).permute(0, 3, 1, 2)

    def put(index: Tensor, result: Tensor) -> None:
        changed.index_copy_(0, index, result.permute(0, 2, 3, 1))

    for name, index, strength in some(BLENDS):
        put(index, BLENDS[name](taken(index), strength))
    for group, apply in ((some(TABLES), _apply_tables), (some(MOVES), _apply_moves)):
        if group:
            index = torch.cat([part[1] for part in group])
            put(index, apply(taken(index), group, fill))
    return changed.permute(0, 3, 1, 2)


def _apply_tables(images: Tensor, group: list[tuple[str, Tensor, Tensor]], _: Tensor) -> Tensor:
    tables, start = [], 0
    for name, index, strength in group:
        some = images[start : start + len(index)]
        tables.append(TABLES[name](some, strength).expand(len(index), 3, 256))
        start += len(index)
    return levels.apply_tables(images, torch.cat(tables))


def _apply_moves(images: Tensor, group: list[tuple[str, Tensor, Tensor]], fill: Tensor) -> Tensor:
    matrices = torch.cat([MOVES[name](strength) for name, _, strength in group])
    return pixels.move(images, matrices, fill)

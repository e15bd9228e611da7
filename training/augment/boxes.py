"""Random boxes, a whole batch at once: what a crop keeps, what is erased, what is pasted."""

import math

import torch
from torch import Tensor

_TRIES = 10


def random_boxes(
    sizes: Tensor,
    areas: tuple[float, float],
    aspects: tuple[float, float],
    generator: torch.Generator | None = None,
) -> Tensor:
    """One random box an image: area uniform, aspect log-uniform, position uniform.

    A box that does not fit is drawn again, ten times; then the largest centred one of an allowed
    aspect is taken.

    Args:
        sizes: int64 (N, 2), height and width in pixels, on the CPU.
        areas: smallest and largest share of an image's area, in (0, 1].
        aspects: smallest and largest width over height.
        generator: of the CPU; None for torch's own.

    Returns:
        float32 (N, 4): left, top, right, bottom in whole pixels, on the CPU.
    """
    count = len(sizes)
    height, width = (side[:, None].double() for side in sizes.unbind(1))  # (N, 1)
    area, aspect, left, top = torch.rand(
        (4, count, _TRIES), generator=generator, dtype=torch.float64
    )
    area = (areas[0] + area * (areas[1] - areas[0])) * height * width
    low, high = (math.log(bound) for bound in aspects)
    ratio = (low + aspect * (high - low)).exp()
    wide, tall = (area * ratio).sqrt().round(), (area / ratio).sqrt().round()
    fits = (wide >= 1) & (tall >= 1) & (wide <= width) & (tall <= height)
    left, top = ((width - wide + 1) * left).floor(), ((height - tall + 1) * top).floor()
    tried = torch.stack([left, top, left + wide, top + tall], dim=2)  # (N, tries, 4)
    boxes = tried[torch.arange(count), fits.int().argmax(1)]
    largest = _largest_centred(height, width, aspects)
    return torch.where(fits.any(1, keepdim=True), boxes, largest).float()


def inside(boxes: Tensor, height: int, width: int) -> Tensor:
    """bool (N, 1, H, W): which pixels lie in each image's box (N, 4), on the boxes' device."""
    left, top, right, bottom = boxes[:, :, None].unbind(1)  # (N, 1) each
    row, column = (torch.arange(side, device=boxes.device) for side in (height, width))
    rows = (row >= top) & (row < bottom)  # (N, H)
    columns = (column >= left) & (column < right)  # (N, W)
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def _largest_centred(height: Tensor, width: Tensor, aspects: tuple[float, float]) -> Tensor:
    wide = torch.minimum(width, (height * aspects[1]).round().clamp(min=1))
    tall = torch.minimum(height, (width / aspects[0]).round().clamp(min=1))
    left, top = ((width - wide) / 2).floor(), ((height - tall) / 2).floor()
    return torch.cat([left, top, left + wide, top + tall], dim=1)

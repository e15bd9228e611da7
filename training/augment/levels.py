"""Operations that map grey levels to grey levels: a table an image and channel, applied at once.

As Pillow defines them (ImageOps, ImageEnhance), here for batches of uint8 (N, 3, H, W). Tables are
(N, 3, 256) grey levels as floats.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Table: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Images uint8 (N, 3, H, W) and strengths (N,) to tables (N, 3, 256) or (N, 1, 256)."""


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Towards black (factor below 1) or away from it; 1 changes nothing."""
    return _levels(images) * factor[:, None, None]


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Towards the image's mean grey (factor below 1) or away from it; 1 changes nothing."""
    mean = (grey(images).float().mean((1, 2, 3)) + 0.5).floor()[:, None, None]
    return mean + (_levels(images) - mean) * factor[:, None, None]


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Keep the highest ``bits`` (whole, 0..8) of each level."""
    step = (1 << (8 - bits.round().int()))[:, None, None]
    return (_levels(images) / step).floor() * step


def solarize(images: Tensor, threshold: Tensor) -> Tensor:
    """Invert the levels from ``threshold`` on; 256 changes nothing."""
    levels = _levels(images)
    return torch.where(levels < threshold[:, None, None], levels, 255 - levels)


def invert(images: Tensor, _: Tensor) -> Tensor:
    """Invert all levels."""
    return (255 - _levels(images)).expand(len(images), 1, 256)


def auto_contrast(images: Tensor, _: Tensor) -> Tensor:
    """Stretch each channel so that its darkest level is 0 and its brightest 255."""
    low = images.amin((2, 3)).float()[:, :, None]
    high = images.amax((2, 3)).float()[:, :, None]
    scale = 255 / (high - low).clamp(min=1)
    levels = _levels(images)
    return torch.where(high > low, ((levels - low) * scale).floor(), levels)


def equalize(images: Tensor, _: Tensor) -> Tensor:
    """Spread each channel's levels so that all are about equally frequent."""
    counts = _histogram(images)  # (N, 3, 256)
    brightest = images.amax((2, 3)).long()[:, :, None]
    step = (counts.sum(2, keepdim=True) - counts.gather(2, brightest)) // 255
    before = counts.cumsum(2) - counts
    table = (step // 2 + before) // step.clamp(min=1)
    return torch.where(step > 0, table.float(), _levels(images))


def apply_tables(images: Tensor, tables: Tensor) -> Tensor:
    """uint8 (N, 3, H, W), each level replaced by its table's, clipped to 0..255."""
    tables = tables.expand(len(images), 3, 256).clamp(0, 255).to(torch.uint8)
    return tables.gather(2, images.flatten(2).long()).view(images.shape)


def grey(images: Tensor) -> Tensor:
    """Luma after ITU-R 601, uint8 (N, 1, H, W), rounded as Pillow does."""
    red, green, blue = images.int().unbind(1)
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).to(torch.uint8)[:, None]


def _levels(images: Tensor) -> Tensor:
    return torch.arange(256, device=images.device, dtype=torch.float32).view(1, 1, 256)


def _histogram(images: Tensor) -> Tensor:
    """int64 (N, 3, 256): how often each level stands in each channel."""
    levels = images.flatten(2).long()
    counts = levels.new_zeros((*levels.shape[:2], 256))
    return counts.scatter_add_(2, levels, torch.ones_like(levels))

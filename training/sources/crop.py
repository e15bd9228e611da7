"""Random resized crops: boxes drawn for a whole batch, cut and resized on the device.

Resizing is a product with two small matrices an image (rows, then columns), so that every image
has its own box, and a box that shrinks is averaged over (antialias) as Pillow does it.
"""

import torch
from torch import Tensor

from effsearch.training.augment.boxes import random_boxes
from effsearch.training.recipes.seeds import mixed_seed

ASPECTS = (3 / 4, 4 / 3)


def crop_boxes(sizes: Tensor, smallest_share: float, seed: int, number: int) -> Tensor:
    """A random crop for each image of batch ``number``: area uniform, aspect 3/4 to 4/3.

    Args:
        sizes: int64 (N, 2), height and width in pixels, on the CPU.
        smallest_share: of an image's area, in (0, 1].

    Returns:
        float32 (N, 4): left, top, right, bottom in whole pixels, on the CPU; the same ones
        whenever size, seed and number are.
    """
    generator = torch.Generator().manual_seed(mixed_seed(seed, number))
    return random_boxes(sizes, (smallest_share, 1.0), ASPECTS, generator)


def crop_and_resize(images: Tensor, boxes: Tensor, resolution: int) -> Tensor:
    """Cut a box out of each image and resize it, bilinear with antialias.

    Args:
        images: uint8 (N, 3, H, W).
        boxes: float32 (N, 4) on the images' device: left, top, right, bottom in pixels.

    Returns:
        uint8 (N, 3, R, R), channels-last.
    """
    count, channels, height, width = images.shape
    rows = _weights(boxes[:, 1], boxes[:, 3], height, resolution)  # (N, R, H)
    columns = _weights(boxes[:, 0], boxes[:, 2], width, resolution)  # (N, R, W)
    flat = images.permute(0, 2, 3, 1).reshape(count, height, width * channels).float()
    shown = torch.bmm(rows, flat).view(count, resolution, width, channels)
    shown = shown.permute(0, 2, 1, 3).reshape(count, width, resolution * channels)
    shown = torch.bmm(columns, shown).view(count, resolution, resolution, channels)
    # (N, column, row, channel) to (N, row, column, channel)
    levels = shown.round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 1, 3).contiguous()
    return levels.permute(0, 3, 1, 2)


def _weights(start: Tensor, end: Tensor, pixels: int, resolution: int) -> Tensor:
    """(N, R, pixels): how much of each pixel goes into each of R places between start and end."""
    scale = ((end - start) / resolution)[:, None, None]
    place = torch.arange(resolution, device=start.device)[:, None] + 0.5
    centre = start[:, None, None] + place * scale  # (N, R, 1)
    pixel = torch.arange(pixels, device=start.device) + 0.5
    weights = (1 - (pixel - centre).abs() / scale.clamp(min=1)).clamp_(min=0)
    return weights / weights.sum(2, keepdim=True)

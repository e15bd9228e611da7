"""Mixup and cutmix of a batch with itself, an image with the one before it.

Batches come shuffled, so the neighbour is a random partner. Each image has its own mixture.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from effsearch.training.augment.boxes import inside


def mix(
    images: Tensor, labels: Tensor, classes: int, *, mixup: float, cutmix: float
) -> tuple[Tensor, Tensor]:
    """Mix each image with its predecessor in the batch, from torch's own random state of the CPU.

    Mixup blends the two, cutmix pastes a box of the other; where both are on, each image is as
    likely to get the one as the other. The share of the image itself is Beta(s, s) of the strength.

    Args:
        images: float32 (N, 3, H, W).
        labels: int64 (N,), on the images' device.
        classes: width of the targets.
        mixup, cutmix: strengths, 0 or more, not both 0; 0 leaves that one out.

    Returns:
        float32 images, and float32 targets (N, classes) whose rows sum to 1.
    """
    count, _, height, width = images.shape
    device = images.device
    pasted = torch.rand(count) < (0.5 if mixup else 1.0)
    pasted &= cutmix > 0
    own = torch.where(pasted, _shares(count, cutmix), _shares(count, mixup))  # (N,)
    boxes = _boxes(1 - own, height, width)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    own = torch.where(pasted, 1 - area / (height * width), own)
    boxes[~pasted] = 0

    blended = torch.where(pasted, 1.0, own)
    own, blended, boxes = (part.to(device, non_blocking=True) for part in (own, blended, boxes))
    # Of the image itself, at each of its pixels: (N, 1, H, W).
    weight = torch.where(inside(boxes, height, width), 0.0, blended.view(-1, 1, 1, 1))
    others = torch.cat([images[-1:], images[:-1]])  # keeps channels-last, which `roll` does not
    targets = F.one_hot(labels, classes).float()
    mixed = torch.lerp(others, images, weight)
    return mixed, torch.lerp(targets.roll(1, 0), targets, own[:, None])


def _shares(count: int, strength: float) -> Tensor:
    if not strength:
        return torch.ones(count)
    spread = torch.tensor(strength, dtype=torch.float64)
    return torch.distributions.Beta(spread, spread).sample((count,)).float()


def _boxes(shares: Tensor, height: int, width: int) -> Tensor:
    """(N, 4): boxes of so much of the area, centred anywhere and cut off at the edges."""
    middle = torch.rand(2, len(shares))
    wide, tall = width * shares.sqrt() / 2, height * shares.sqrt() / 2
    x, y = middle[0] * width, middle[1] * height
    left, right = (x - wide).round().clamp(min=0), (x + wide).round().clamp(max=width)
    top, bottom = (y - tall).round().clamp(min=0), (y + tall).round().clamp(max=height)
    return torch.stack([left, top, right, bottom], dim=1)

"""Random erasing: a box of an image is replaced by the mean."""

import torch
from torch import Tensor

from effsearch.training.augment.boxes import inside, random_boxes

AREAS = (0.02, 1 / 3)
ASPECTS = (0.3, 1 / 0.3)


def erase(images: Tensor, probability: float) -> Tensor:
    """Replace a random box of some images by 0, from torch's own random state of the CPU.

    Args:
        images: float32 (N, 3, H, W), normalised, so that 0 is the mean.
        probability: of each image to lose a box, in [0, 1].

    Returns:
        New images of the same layout; the box covers 2% to 33% of the area.
    """
    count, _, height, width = images.shape
    boxes = random_boxes(torch.tensor([[height, width]]).expand(count, 2), AREAS, ASPECTS)
    boxes[torch.rand(count) >= probability] = 0
    lost = inside(boxes.to(images.device, non_blocking=True), height, width)
    return torch.where(lost, 0.0, images)

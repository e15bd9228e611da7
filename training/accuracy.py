"""Loss, top-1 and top-5 of a network while it is trained, summed over a team.

A finished model is evaluated class by class in `training.evaluation`.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.augment.augmenter import normalised
from training.precision import autocast
from training.sources import Batches
from training.team import SOLO, Team


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """What a network came to on some images; without any, all but their number are nan.

    Attributes:
        loss: mean cross-entropy per image, without label smoothing.
        top1, top5: fractions; with five classes or fewer `top5` is 1.
    """

    images: int
    loss: float
    top1: float
    top5: float


def measure_accuracy(
    network: nn.Module,
    batches: Batches,
    *,
    mean: Tensor,
    std: Tensor,
    precision: torch.dtype,
    team: Team = SOLO,
) -> Accuracy:
    """Evaluate a network (left in evaluation mode) on this worker's batches of a part.

    Args:
        network: images (N, 3, H, W) to logits (N, classes), on the device of `mean`.
        batches: those of this worker; the result is of all workers' together.
        mean, std: float32 (3,), grey levels 0..255.
    """
    network.eval()
    device = mean.device
    # Images, loss, first and first five right; float64 counts exactly far beyond any dataset.
    sums = torch.zeros(4, device=device, dtype=torch.float64)
    with torch.inference_mode(), autocast(device, precision):
        for images, labels in batches:
            logits = network(normalised(images, mean, std)).float()  # (N, classes)
            five = logits.topk(min(5, logits.shape[1]), dim=1).indices == labels[:, None]
            sums[0] += len(labels)
            sums[1] += F.cross_entropy(logits, labels, reduction="sum")
            sums[2] += five[:, 0].sum()
            sums[3] += five.sum()
    seen, loss, first, near = team.sum(sums).tolist()
    divisor = seen or math.nan
    return Accuracy(
        images=int(seen), loss=loss / divisor, top1=first / divisor, top5=near / divisor
    )

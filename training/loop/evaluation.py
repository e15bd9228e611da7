"""How good a network is on images it has not seen: loss, top-1, top-5, class by class."""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from effsearch.search_spaces.errors import EffsearchError
from effsearch.training.augment.augmenter import normalised
from effsearch.training.devices.precision import autocast
from effsearch.training.devices.team import SOLO, Team
from effsearch.training.loop.batch_size import lacks_memory

if TYPE_CHECKING:
    from effsearch.training.models.model_file import ModelInfo

_MOST = 512
_PIXELS = 256 * 224**2


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """One class: how many images it has, and the share of them that is recognised.

    Attributes:
        top1: a fraction; None for a class without images.
    """

    name: str
    images: int
    top1: float | None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a network reaches on some images; without any, its loss and shares are nan.

    Attributes:
        loss: mean cross-entropy per image, without label smoothing.
        top1, top5: fractions; with five classes or fewer `top5` is 1.
        classes: in the order of the classifier's outputs.
        seconds: wall-clock, reading the images counted in.
    """

    images: int
    loss: float
    top1: float
    top5: float
    classes: tuple[ClassScore, ...]
    seconds: float

    @property
    def images_per_second(self) -> float:
        """Images evaluated in a second, reading them counted in."""
        return self.images / self.seconds


def evaluation_batch(resolution: int) -> int:
    """Images to evaluate at a time: 512, and fewer of more than 158 pixels.

    So what fits the memory in training fits it in evaluation: of EfficientNet-B7 at 600 pixels,
    35 images take 6 GiB in float32.
    """
    return max(1, min(_MOST, _PIXELS // resolution**2))


def evaluate_network(
    network: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    class_names: Sequence[str],
    mean: Tensor,
    std: Tensor,
    *,
    precision: torch.dtype = torch.float32,
    team: Team = SOLO,
) -> Evaluation:
    """Evaluate a network, left in evaluation mode, on this worker's batches.

    Args:
        network: normalised images (N, 3, H, W) to logits (N, classes), on the device of `mean`.
        batches: images uint8 (N, 3, R, R) and labels int64 (N,), which count `class_names`; of
            this worker, and the result is of all workers' together.
        mean, std: float32 (3,), grey levels 0..255.

    Raises:
        EffsearchError: out of memory.
    """
    start = time.perf_counter()
    network.eval()
    device, classes = mean.device, len(class_names)
    # Summed on the device, which is not waited for; float64 counts exactly far beyond any dataset.
    # Loss, those among the first five; then of each class its images, and those of them first.
    sums = torch.zeros(2 + 2 * classes, device=device, dtype=torch.float64)
    seen, right = sums[2:].view(2, classes)
    with _lack_of_memory_said(device), torch.inference_mode(), autocast(device, precision):
        for images, labels in batches:
            logits = network(normalised(images, mean, std)).float()  # (N, classes)
            five = logits.topk(min(5, classes), dim=1).indices == labels[:, None]  # (N, 5)
            sums[0] += F.cross_entropy(logits, labels, reduction="sum")
            sums[1] += five.sum()
            first = five[:, 0].double()
            seen.index_add_(0, labels, torch.ones_like(first))
            right.index_add_(0, labels, first)
    loss, near, *counts = team.sum(sums).tolist()
    of_class, hits = counts[:classes], counts[classes:]
    images = sum(of_class)
    divisor = images or math.nan
    return Evaluation(
        images=int(images),
        loss=loss / divisor,
        top1=sum(hits) / divisor,
        top5=near / divisor,
        classes=tuple(
            ClassScore(name=name, images=int(of), top1=hit / of if of else None)
            for name, of, hit in zip(class_names, of_class, hits, strict=True)
        ),
        seconds=time.perf_counter() - start,
    )


def channel_levels(info: "ModelInfo", device: torch.device) -> tuple[Tensor, Tensor]:
    """The model's mean and deviation as `training.augment.augmenter.normalised` takes them."""
    return torch.tensor(info.mean, device=device), torch.tensor(info.std, device=device)


@contextmanager
def _lack_of_memory_said(device: torch.device) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not lacks_memory(error):
            raise
        raise EffsearchError(
            f"out of memory: the network cannot be evaluated on {device}: free memory there, or "
            "take another --device"
        ) from None

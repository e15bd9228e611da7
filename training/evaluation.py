"""How good a trained model is on images it has not seen: loss, top-1, top-5, class by class."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.errors import InputError
from training.augment.augmenter import normalised
from training.model_file import ModelInfo

BATCH_SIZE = 256


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
    """What a model reaches on some images.

    Attributes:
        loss: mean cross-entropy per image.
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


def evaluate_network(
    network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], info: ModelInfo
) -> Evaluation:
    """Evaluate a network, left in evaluation mode, in float32.

    Args:
        network: moved to the batches' device.
        batches: images uint8 (N, 3, R, R) and labels int64 (N,), counted as `info.class_names`.
        info: for the normalisation and the names.

    Raises:
        InputError: there is not a single image.
    """
    start = time.perf_counter()
    network.eval()
    loss, near = 0.0, 0
    # Two rows: the images of each class, and those of them that are recognised.
    counts = torch.zeros(2, info.classes, dtype=torch.int64)
    with torch.inference_mode():
        for images, labels in batches:
            network.to(images.device)
            logits = network(normalised(images, *channel_levels(info, images.device)))
            loss += F.cross_entropy(logits, labels, reduction="sum").item()
            five = (logits.topk(min(5, info.classes)).indices == labels[:, None]).cpu()  # (N, 5)
            truth = labels.cpu()
            near += int(five.sum())
            for row, chosen in zip(counts, (truth, truth[five[:, 0]]), strict=True):
                row += torch.bincount(chosen, minlength=info.classes)
    seen, right = counts.sum(1).tolist()
    if not seen:
        raise InputError("there are no images to evaluate on")
    return Evaluation(
        images=seen,
        loss=loss / seen,
        top1=right / seen,
        top5=near / seen,
        classes=tuple(
            ClassScore(name=name, images=images_of, top1=hits / images_of if images_of else None)
            for name, images_of, hits in zip(info.class_names, *counts.tolist(), strict=True)
        ),
        seconds=time.perf_counter() - start,
    )


def channel_levels(info: ModelInfo, device: torch.device) -> tuple[Tensor, Tensor]:
    """The model's mean and deviation as `training.augment.augmenter.normalised` takes them."""
    return torch.tensor(info.mean, device=device), torch.tensor(info.std, device=device)


def class_order(class_names: Sequence[str], info: ModelInfo, data: str) -> Tensor:
    """For each class of the data the model's output for it, int64 (classes,).

    Raises:
        InputError: the data's classes are not the model's.
    """
    known, given = set(info.class_names), set(class_names)
    if known == given:
        return torch.tensor([info.class_names.index(name) for name in class_names])
    if only := sorted(given - known):
        what = f"the class '{only[0]}' of '{data}' is none of the model's {len(known)}"
    else:
        what = f"'{data}' has no class '{min(known - given)}', and the model does"
    raise InputError(f"{what}: give --data of the classes of '{info.data_name}'")

"""Class activation maps: where in an image the evidence for a class lies (Grad-CAM, Selvaraju et
al. 2017), on the last feature map that can say where, as Figure 7 of EfficientNet compares scaled
networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from effsearch.search_spaces.errors import InputError

if TYPE_CHECKING:
    from effsearch.search_spaces.network import Network

SMALLEST = 4
"""Places a side of a feature map that can say where something lies."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassMap:
    """What a network takes an image for, and where it sees it.

    Attributes:
        predicted: output of the largest logit.
        probability: its softmax.
        heat: float32 (h, w), in [0, 1]; all zero where nothing speaks for the class.
        of: what made the feature map, such as `block 5 of 16`; empty where it is the last one.
    """

    predicted: int
    probability: float
    heat: Tensor
    of: str = ""


def class_maps(network: "Network", images: Tensor) -> list[ClassMap]:
    """The map of the predicted class of each image.

    The channels of a feature map are weighted by the mean gradient of the class's logit, summed,
    and what speaks against the class is cut off. It is the last feature map of at least 4x4: a
    smaller one cannot say where.

    Args:
        network: put into evaluation mode.
        images: float32 (N, 3, R, R), normalised, on the network's device.

    Raises:
        InputError: no feature map is as large as that.
    """
    network.eval()
    parts = _parts(network)
    with torch.no_grad():
        place, features = _last_wide(parts, images)
    features = features.detach().requires_grad_()
    with torch.enable_grad():
        last = features.clone()  # a leaf may not be changed in place
        for _, part in parts[place + 1 :]:
            last = part(last)
        logits = network.classify(last)  # (N, classes)
        predicted = logits.argmax(1)
        (gradient,) = torch.autograd.grad(logits.gather(1, predicted[:, None]).sum(), features)
    with torch.no_grad():
        weights = gradient.mean((2, 3), keepdim=True)  # (N, C, 1, 1)
        heat = (weights * features).sum(1).clamp(min=0)  # (N, h, w)
        heat = heat / heat.amax((1, 2), keepdim=True).clamp(min=torch.finfo(heat.dtype).tiny)
        probabilities = logits.softmax(1).gather(1, predicted[:, None])[:, 0]
    of = parts[place][0] if place + 1 < len(parts) else ""
    return [
        ClassMap(predicted=index, probability=probability, heat=one.cpu(), of=of)
        for index, probability, one in zip(
            predicted.tolist(), probabilities.tolist(), heat, strict=True
        )
    ]


def _parts(network: "Network") -> list[tuple[str, nn.Module]]:
    """What makes the feature maps, in order, with names."""
    blocks = len(network.blocks)
    named = [(f"block {n} of {blocks}", part) for n, part in enumerate(network.blocks, start=1)]
    head = [] if network.architecture.head.pooled else [("the head", network.head)]
    return [("the stem", network.stem), *named, *head]


def _last_wide(parts: Sequence[tuple[str, nn.Module]], images: Tensor) -> tuple[int, Tensor]:
    """Place and output (N, C, h, w) of the last part whose map is no smaller than 4x4."""
    found = None
    features = images
    for place, (_, part) in enumerate(parts):
        features = part(features)
        if min(features.shape[2:]) >= SMALLEST:
            found = place, features
    if found is None:
        raise InputError(
            f"no feature map is as large as {SMALLEST}x{SMALLEST} at {images.shape[-1]} pixels, so "
            "none can say where: train with a larger --resolution, or with --stem-stride 1"
        )
    return found

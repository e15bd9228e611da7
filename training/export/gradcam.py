"""Class activation maps: where in an image the evidence for a class lies (Grad-CAM, Selvaraju et
al. 2017), on the last feature map, as Figure 7 of EfficientNet compares scaled networks.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from effsearch.search_spaces.network import Network


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassMap:
    """What a network takes an image for, and where it sees it.

    Attributes:
        predicted: output of the largest logit.
        probability: its softmax.
        heat: float32 (h, w), of the last feature map, in [0, 1]; all zero where nothing speaks for
            the class.
    """

    predicted: int
    probability: float
    heat: Tensor


def class_maps(network: "Network", images: Tensor) -> list[ClassMap]:
    """The map of the predicted class of each image.

    The channels of the last feature map are weighted by the mean gradient of the class's logit,
    summed, and what speaks against the class is cut off.

    Args:
        network: put into evaluation mode.
        images: float32 (N, 3, R, R), normalised, on the network's device.
    """
    network.eval()
    with torch.no_grad():
        features = network.features(images)  # (N, C, h, w)
    features.requires_grad_()
    with torch.enable_grad():
        logits = network.classifier(features.mean((2, 3)))  # (N, classes)
        predicted = logits.argmax(1)
        (gradient,) = torch.autograd.grad(logits.gather(1, predicted[:, None]).sum(), features)
    with torch.no_grad():
        weights = gradient.mean((2, 3), keepdim=True)  # (N, C, 1, 1)
        heat = (weights * features).sum(1).clamp(min=0)  # (N, h, w)
        heat = heat / heat.amax((1, 2), keepdim=True).clamp(min=torch.finfo(heat.dtype).tiny)
        probabilities = logits.softmax(1).gather(1, predicted[:, None])[:, 0]
    return [
        ClassMap(predicted=index, probability=probability, heat=one.cpu())
        for index, probability, one in zip(
            predicted.tolist(), probabilities.tolist(), heat, strict=True
        )
    ]

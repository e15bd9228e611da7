"""AutoAugment, RandAugment and TrivialAugment: which operation each image gets, and how strongly.

Drawn image by image, as the papers do, and on the CPU, whose random state `torch.manual_seed` sets
together with the device's. (kornia's policies draw one operation for a whole batch, shear by three
times the papers' angle, and take longer on large images; so they are not used.)
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor

from effsearch.training.augment.operations import NAMES, apply_operations

Step: TypeAlias = tuple[Tensor, Tensor]
"""Operations int64 (N,) and strengths float32 (N,), as `apply_operations` takes them."""

# AutoAugment, Table 9 (ImageNet): two operations each with their probability and level of 0..10.
AUTOAUGMENT = (
    (("posterize", 0.4, 8), ("rotate", 0.6, 9)),
    (("solarize", 0.6, 5), ("auto_contrast", 0.6, 5)),
    (("equalize", 0.8, 8), ("equalize", 0.6, 3)),
    (("posterize", 0.6, 7), ("posterize", 0.6, 6)),
    (("equalize", 0.4, 7), ("solarize", 0.2, 4)),
    (("equalize", 0.4, 4), ("rotate", 0.8, 8)),
    (("solarize", 0.6, 3), ("equalize", 0.6, 7)),
    (("posterize", 0.8, 5), ("equalize", 1.0, 2)),
    (("rotate", 0.2, 3), ("solarize", 0.6, 8)),
    (("equalize", 0.6, 8), ("posterize", 0.4, 6)),
    (("rotate", 0.8, 8), ("color", 0.4, 0)),
    (("rotate", 0.4, 9), ("equalize", 0.6, 2)),
    (("equalize", 0.0, 7), ("equalize", 0.8, 8)),
    (("invert", 0.6, 4), ("equalize", 1.0, 8)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("rotate", 0.8, 8), ("color", 1.0, 2)),
    (("color", 0.8, 8), ("solarize", 0.8, 7)),
    (("sharpness", 0.4, 7), ("invert", 0.6, 8)),
    (("shear_x", 0.6, 5), ("equalize", 1.0, 9)),
    (("color", 0.4, 0), ("equalize", 0.6, 3)),
    (("equalize", 0.4, 7), ("solarize", 0.2, 4)),
    (("solarize", 0.6, 5), ("auto_contrast", 0.6, 5)),
    (("invert", 0.6, 4), ("equalize", 1.0, 8)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("equalize", 0.8, 8), ("equalize", 0.6, 3)),
)
RANDAUGMENT_STEPS = 2
_GEOMETRY = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
_FACTORS = ("brightness", "color", "contrast", "sharpness")
_CANDIDATES = ("identity", "auto_contrast", "equalize", "posterize", "solarize") + (
    _GEOMETRY + _FACTORS
)
"""The 14 operations of RandAugment (section 3.1) and of TrivialAugment."""

# What one full share does. Wide ranges are TrivialAugment's, whose translation of 32 pixels is
# taken of 224 so that it means the same at every size.
_FULL = MappingProxyType({"rotate": 30.0, "shear": 0.3, "translate": 150 / 331, "factor": 0.9})
_WIDE = MappingProxyType({"rotate": 135.0, "shear": 0.99, "translate": 32 / 224, "factor": 0.99})


def autoaugment(count: int, magnitude: float) -> list[Step]:
    """One of the 25 learned pairs an image (AutoAugment, ImageNet); the magnitude is theirs."""
    chosen = torch.randint(len(AUTOAUGMENT), (count,))
    steps = []
    for place in range(2):
        column = [pair[place] for pair in AUTOAUGMENT]
        operations = torch.tensor([NAMES.index(name) for name, _, _ in column])[chosen]
        probability = torch.tensor([probability for _, probability, _ in column])[chosen]
        strengths = torch.tensor([_learned(name, level) for name, _, level in column])[chosen]
        happens = torch.rand(count) < probability
        turned = torch.tensor([name in _GEOMETRY for name in NAMES])[operations]
        strengths = torch.where(turned & (torch.rand(count) < 0.5), -strengths, strengths)
        steps.append((operations * happens, strengths))
    return steps


def randaugment(count: int, magnitude: float) -> list[Step]:
    """Two operations an image, each of the 14 as likely, all at one magnitude.

    Args:
        magnitude: 10 reaches the ends of AutoAugment's ranges, 0 changes least; more goes on
            beyond (EfficientNetV2 goes to 15).
    """
    share = torch.full((count,), magnitude / 10)
    return [_drawn(count, share, _FULL, lowest_bits=4) for _ in range(RANDAUGMENT_STEPS)]


def trivialaugment(count: int, magnitude: float) -> list[Step]:
    """One of the 14 operations an image at a random strength, in the wide ranges; no magnitude."""
    share = torch.randint(0, 31, (count,)) / 30
    return [_drawn(count, share, _WIDE, lowest_bits=2)]


POLICIES: Mapping[str, Callable[[int, float], list[Step]]] = MappingProxyType(
    {"autoaugment": autoaugment, "randaugment": randaugment, "trivialaugment": trivialaugment}
)


def apply_policy(name: str, images: Tensor, magnitude: float, fill: Tensor) -> Tensor:
    """Change each image by a policy, from torch's own random state of the CPU.

    Args:
        name: a key of `POLICIES`.
        images: uint8 (N, 3, S, S).
        magnitude: of `randaugment`; the others have none.
        fill: float32 (3,), on the images' device: grey levels of what comes in from outside.

    Returns:
        uint8 (N, 3, S, S), channels-last.
    """
    for operations, strengths in POLICIES[name](len(images), magnitude):
        images = apply_operations(images, operations, strengths, fill)
    return images


def _drawn(count: int, share: Tensor, reach: Mapping[str, float], *, lowest_bits: int) -> Step:
    """A random candidate an image, at ``share`` (N,) of its range, in a random direction."""
    candidates = torch.randint(len(_CANDIDATES), (count,))
    sign = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    ranges = {
        "rotate": sign * share * reach["rotate"],
        "shear_x": sign * share * reach["shear"],
        "shear_y": sign * share * reach["shear"],
        "translate_x": sign * share * reach["translate"],
        "translate_y": sign * share * reach["translate"],
        "posterize": (8 - share * (8 - lowest_bits)).round().clamp(min=1),
        "solarize": (256 * (1 - share)).clamp(min=0),
        # Below 0 an image would turn into its own negative.
        **dict.fromkeys(_FACTORS, (1 + sign * share * reach["factor"]).clamp(min=0.01)),
    }
    unused = torch.zeros(count)
    table = torch.stack([ranges.get(name, unused) for name in _CANDIDATES])
    numbers = torch.tensor([NAMES.index(name) for name in _CANDIDATES])
    return numbers[candidates], table[candidates, torch.arange(count)]


def _learned(name: str, level: float) -> float:
    """Strength of a learned level of 0..10, over the ranges of AutoAugment's Table 6."""
    share = level / 10
    if name == "rotate":
        return 30 * share
    if name == "shear_x":
        return 0.3 * share
    if name == "posterize":
        return 4 + round(4 * share)
    if name == "solarize":
        return 256 * share
    return 0.1 + 1.8 * share  # the factors; the rest have no strength

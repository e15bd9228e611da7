"""The kinds of squeeze-excite: how wide the squeeze is, and which functions it has."""

from dataclasses import dataclass
from typing import Literal

from effsearch.search_spaces.activations import Activation, Gate

Squeeze = Literal["efficientnet", "mobilenetv3", "lcnet", "fbnetv3", "senet"]
Width = Literal["input", "hidden", "output"]


@dataclass(frozen=True)
class Entry:
    """One kind of squeeze-excite.

    Attributes:
        of: the channels of a block whose multiple the squeeze's width is.
        divisor: the width is rounded to a multiple of it; 1 cuts the fraction off.
        limit: rounding that leaves less than this fraction goes up instead.
        activation: behind the first convolution; None for the block's.
        gate: behind the second.
    """

    of: Width = "input"
    divisor: int = 1
    limit: float = 0.0
    activation: Activation | None = None
    gate: Gate = "sigmoid"


SQUEEZES: dict[Squeeze, Entry] = {
    "efficientnet": Entry(),
    # MobileNetV3, arXiv 1905.02244, section 5.3.
    "mobilenetv3": Entry("hidden", 8, 0.9, "relu", "hard_sigmoid"),
    "lcnet": Entry(activation="relu", gate="hard_sigmoid"),
    "fbnetv3": Entry("hidden", 8, 0.95, gate="hard_sigmoid"),
    # Squeeze-and-Excitation Networks, arXiv 1709.01507: behind a bottleneck's last convolution.
    "senet": Entry("output", 8),
}


def squeeze_width(kind: Squeeze, ratio: float, channels: dict[Width, int]) -> int:
    """Channels between the two convolutions, at least 1; 0 where the ratio is 0."""
    if not ratio:
        return 0
    entry = SQUEEZES[kind]
    wanted = channels[entry.of] * ratio
    if entry.divisor == 1:
        return max(1, int(wanted))
    return divisible(wanted, entry.divisor, entry.limit)


def divisible(wanted: float, divisor: int = 8, limit: float = 0.9) -> int:
    """The nearest multiple of `divisor` (halves up, at least one) that keeps `limit` of `wanted`.

    The rounding of MobileNetV2's code, which EfficientNet's and timm's took over.
    """
    rounded = max(divisor, int(wanted + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < limit * wanted else rounded

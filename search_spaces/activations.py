"""The activations a network can have: one entry says what each library calls it."""

from dataclasses import dataclass
from typing import Literal, get_args

Activation = Literal["relu", "relu6", "silu", "hard_swish"]


@dataclass(frozen=True)
class Entry:
    """One activation.

    Attributes:
        torch: its class in `torch.nn`, which takes `inplace`.
    """

    torch: str


ACTIVATIONS: dict[Activation, Entry] = {
    "relu": Entry("ReLU"),
    "relu6": Entry("ReLU6"),
    "silu": Entry("SiLU"),
    "hard_swish": Entry("Hardswish"),
}

assert tuple(ACTIVATIONS) == get_args(Activation)

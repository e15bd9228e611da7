"""The activations a network can have: one entry says what each library calls it."""

from dataclasses import dataclass
from typing import Literal

Activation = Literal["relu", "relu6", "silu", "hard_swish"]
Gate = Literal["sigmoid", "hard_sigmoid"]
Function = Activation | Gate


@dataclass(frozen=True)
class Entry:
    """One activation.

    Attributes:
        torch: its class in `torch.nn`, which takes `inplace`.
        code: behind the `n` of timm's notation.
        from_output: whether its gradient follows from what it gave. One that needs what it took
            keeps a copy of that in training, so that in place it saves nothing and costs time.
    """

    torch: str
    code: str
    from_output: bool


ACTIVATIONS: dict[Activation, Entry] = {
    "relu": Entry("ReLU", "re", from_output=True),
    "relu6": Entry("ReLU6", "r6", from_output=True),
    "silu": Entry("SiLU", "sw", from_output=False),
    "hard_swish": Entry("Hardswish", "hs", from_output=False),
}

GATES: dict[Gate, str] = {"sigmoid": "Sigmoid", "hard_sigmoid": "Hardsigmoid"}
"""Classes in `torch.nn` of what ends a squeeze-excite."""

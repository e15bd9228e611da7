"""The activations a network can have: one entry says what each library calls it."""

from dataclasses import dataclass
from typing import Literal, get_args

Activation = Literal["relu", "relu6", "silu", "hard_swish"]


@dataclass(frozen=True)
class Entry:
    """One activation.

    Attributes:
        torch: its class in `torch.nn`, which takes `inplace`.
        from_output: whether its gradient follows from what it gave. One that needs what it took
            keeps a copy of that in training, so that in place it saves nothing and costs time.
    """

    torch: str
    from_output: bool


ACTIVATIONS: dict[Activation, Entry] = {
    "relu": Entry("ReLU", from_output=True),
    "relu6": Entry("ReLU6", from_output=True),
    "silu": Entry("SiLU", from_output=False),
    "hard_swish": Entry("Hardswish", from_output=False),
}

assert tuple(ACTIVATIONS) == get_args(Activation)

"""Block: one layer of a network with every size worked out."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from effsearch.search_spaces.activations import Activation
from effsearch.search_spaces.squeeze import Squeeze

Op: TypeAlias = str
"""A name of `effsearch.search_spaces.operations.OPERATIONS`."""

Skip = Literal["none", "identity", "pool"]
Shortcut = Literal["none", "identity", "pool", "projection"]


@dataclass(frozen=True)
class Block:
    """One layer with every size worked out; what is built, counted and compared.

    Attributes:
        op: as in `Stage`, but never a spelling of another (`fused_mbconv` without expansion is a
            `conv`); an `identity` that changes nothing is no block at all.
        mid_channels: hidden width; equal to `in_channels` where nothing expands.
        se_channels: squeeze-excite width, 0 for none.
        shortcut: what is added to the output.
        activation: None for the network's.
        squeeze: the kind of squeeze-excite, where there is one.
        groups: of the spatial convolution, where the operation does not set them itself.
    """

    op: Op
    kernel: int
    stride: int
    in_channels: int
    mid_channels: int
    out_channels: int
    se_channels: int
    shortcut: Shortcut
    activation: Activation | None = None
    squeeze: Squeeze = "efficientnet"
    groups: int = 1

"""Block: one layer of a network with every size worked out."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from effsearch.search_spaces.activations import Activation
from effsearch.search_spaces.squeeze import Squeeze

Op: TypeAlias = str
"""A name of `effsearch.search_spaces.operations.OPERATIONS`."""

Kernel: TypeAlias = int | tuple[int, ...]
"""A kernel's side in pixels; several share the channels (MixConv, arXiv 1907.09595)."""

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
        before, after: kernels of the convolutions before and behind the spatial one; 0 for the
            operation's usual.
        experts: kernels of which each convolution mixes its own for an image; 0 for plain ones.
    """

    op: Op
    kernel: Kernel
    stride: int
    in_channels: int
    mid_channels: int
    out_channels: int
    se_channels: int
    shortcut: Shortcut
    activation: Activation | None = None
    squeeze: Squeeze = "efficientnet"
    groups: int = 1
    before: Kernel = 0
    after: Kernel = 0
    experts: int = 0


def widest(kernel: Kernel) -> int:
    """The largest of a layer's kernels."""
    return kernel if isinstance(kernel, int) else max(kernel)


def format_kernel(kernel: Kernel) -> str:
    """As notation has it: `5`, or `3.5.7` for several."""
    return str(kernel) if isinstance(kernel, int) else ".".join(map(str, kernel))

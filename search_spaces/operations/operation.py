"""Operation: everything this project knows about one kind of block."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from effsearch.search_spaces.block import Block, Skip
from effsearch.search_spaces.operations.layer import Layer

Scheme = Literal["timm", "torchvision", "torchvision_mobilenet", "resnet"]
"""Ways in which published networks number their blocks; see `training.models.weight_names`."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One kind of block.

    Attributes:
        name: as in `Stage.op`.
        code: its prefix in notation, timm's where timm has the block.
        unexpanded_code: the prefix where `expand` is 1, if that is another.
        label: in tables and pictures; `{expand}` stands for the expansion.
        layers: from a block to its layers in order, the shortcut's left out.
        hidden: from input channels, output channels and `expand` to the hidden width.
        rounds: timm rounds its hidden width to a multiple of 8.
        unexpanded: the operation it is a spelling of where nothing expands.
        expanded: the operation it is a spelling of where `expand` is not 1.
        kept: the operation that timm's notation means by an `e1`: one that keeps its 1×1
            convolution.
        pointwise: its 1×1 convolution to the hidden width stands even where nothing expands.
        grouped: of which width its spatial convolution can be grouped.
        depthwise: its spatial convolution has one channel a group where nothing else is said.
        mixes: its spatial convolution may have several kernels.
        around: what the kernels before and behind the spatial one are of: the 1×1 convolutions
            there, or depthwise convolutions that are there only where a kernel is given.
        conditional: its convolutions may be mixed from experts.
        resamples: it does nothing where the shape stays, and knows neither kernel nor
            squeeze-excite nor skip.
        default_skip: in notation that names none.
        projects: the identity shortcut is a 1×1 convolution where the shape changes.
        active_sum: the activation follows the addition of the shortcut.
        schemes: of published networks that have the block.
    """

    name: str
    code: str
    unexpanded_code: str | None = None
    label: str
    layers: Callable[[Block], tuple[Layer, ...]]
    hidden: Callable[[int, int, float], int] = lambda into, _out, _expand: into
    rounds: bool = False
    unexpanded: str | None = None
    expanded: str | None = None
    kept: str | None = None
    pointwise: bool = False
    grouped: Literal["input", "hidden"] | None = None
    depthwise: bool = False
    mixes: bool = False
    around: Literal["pointwise", "depthwise"] | None = None
    conditional: bool = False
    resamples: bool = False
    default_skip: Skip = "identity"
    projects: bool = False
    active_sum: bool = False
    schemes: tuple[Scheme, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """Every prefix that notation may spell it with; none where it takes an `e1` as well."""
        if self.expanded:
            return ()
        return (self.code,) if self.unexpanded_code is None else (self.unexpanded_code, self.code)


def of_input(in_channels: int, _out_channels: int, expand: float) -> int:
    """A hidden width as a multiple of the input channels."""
    return max(1, round(in_channels * expand))


def of_output(_in_channels: int, out_channels: int, expand: float) -> int:
    """A hidden width as a multiple of the output channels."""
    return max(1, round(out_channels * expand))

"""Stem, stages and head of a network as plain data, each checked by itself."""

from dataclasses import dataclass
from typing import Literal, get_args

from effsearch.search_spaces.activations import ACTIVATIONS, Activation
from effsearch.search_spaces.block import Kernel, Op, Skip
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.field_checks import (
    check_counts,
    check_kernel,
    check_one_or_several,
    check_ratio,
)
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.search_spaces.squeeze import SQUEEZES, Squeeze

Sizes = Literal["exact", "timm"]
Pooled = Literal["bias", "norm", "plain"]
StemKind = Literal["plain", "deep", "deep_tiered"]


@dataclass(frozen=True, kw_only=True)
class Stem:
    """The first convolution, or the first three, with normalization and activation.

    Attributes:
        channels: output channels, at least 1.
        kernel: odd kernel size.
        stride: 2 on ImageNet-sized images; 1 for images of 32 pixels and less.
        pool: a 3×3 max pooling of stride 2 behind it, as in ResNet.
        kind: `plain` for one convolution; `deep` for three, of which the first strides and the
            first two have half the channels; `deep_tiered` where the first has three quarters of
            the second's (ResNet-D and -T, as timm's `stem_type` has them).

    Example:
        >>> import effsearch
        >>> effsearch.Stem(channels=16, stride=1).kernel
        3
    """

    channels: int = 32
    kernel: int = 3
    stride: int = 2
    pool: bool = False
    kind: StemKind = "plain"

    def __post_init__(self) -> None:
        check_counts("stem", channels=self.channels, stride=self.stride)
        check_kernel("stem", self.kernel)
        if not isinstance(self.pool, bool):
            raise InputError(f"stem: pool must be true or false, not {self.pool!r}")
        if self.kind not in get_args(StemKind):
            raise unknown_name("kind of stem", self.kind, get_args(StemKind))
        fewest = {"plain": 1, "deep": 2, "deep_tiered": 8}[self.kind]
        if self.channels < fewest or (self.kind != "plain" and self.channels % 2):
            raise InputError(
                f"stem: channels of a '{self.kind}' stem must be even and at least {fewest}, not "
                f"{self.channels}"
            )

    @property
    def widths(self) -> tuple[int, ...]:
        """Output channels of its convolutions in order."""
        half = self.channels // 2
        match self.kind:
            case "deep":
                return (half, half, self.channels)
            case "deep_tiered":
                return (3 * (half // 4), half, self.channels)
            case _:
                return (self.channels,)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Identical layers in a row; only the first may stride (MnasNet, section 4.1).

    Attributes:
        op: `conv` (convolution, normalization, activation), `depthwise_separable` (MobileNetV1's:
            activation after both convolutions), `mbconv` (MobileNetV2's inverted residual; with
            `expand` 1 it is MnasNet's linear separable convolution), `fused_mbconv`
            (EfficientNetV2), `universal` (MobileNetV4's inverted bottleneck), `basic` and
            `bottleneck` (ResNet's, v1.5), `identity` (nothing, or a 1×1 convolution with
            normalization where the shape changes).
        channels: output channels, at least 1.
        layers: how many, at least 1.
        kernel: odd kernel size; several, such as (3, 5, 7), share the channels of a depthwise
            convolution (MixConv); 0 for none in a `universal`.
        stride: of the first layer, at least 1.
        expand: hidden width as a multiple of the input channels; for `bottleneck` of the output
            channels (ResNet: 0.25). More than 0.
        se: squeeze-excite width as a multiple of the layer's input channels; 0 for none.
        squeeze: the kind of squeeze-excite: `efficientnet`, `mobilenetv3` (a multiple of the
            hidden width, ReLU inside, a hard sigmoid), `lcnet`, `fbnetv3`, `senet`.
        activation: None for the network's.
        group_size: channels in a group of the spatial convolution; 0 for one group, in a
            depthwise convolution for groups of one channel.
        sizes: `timm` rounds the hidden width to multiples of 8, as timm does; `exact` to whole
            channels.
        joined: numbered together with the stage before, as the strings of one of timm's inner
            lists; the network is the same.
        skip: `identity` adds a layer's input to its output where both have one shape (and
            `bottleneck` projects it where they differ), `pool` adds the average-pooled input,
            padded with zero channels, `none` adds nothing.
        kernel_before, kernel_after: of the 1×1 convolutions of an `mbconv`, where they have other
            kernels or, as (1, 1), share the channels; of depthwise convolutions before and behind
            a `universal`. 0 for the usual.
        experts: kernels that each convolution of an `mbconv` mixes its own of for every image
            (CondConv); 0 for plain ones. With experts the 1×1 expansion stands in any case.

    Example:
        >>> import effsearch
        >>> stage = effsearch.Stage(op="mbconv", channels=24, layers=2, stride=2, expand=6, se=0.25)
        >>> network = effsearch.Architecture(stages=(stage,))
        >>> [(block.op, block.in_channels, block.stride) for block in network.blocks]
        [('mbconv', 32, 2), ('mbconv', 24, 1)]
    """

    op: Op
    channels: int
    layers: int = 1
    kernel: Kernel = 3
    stride: int = 1
    expand: float = 1.0
    se: float = 0.0
    skip: Skip = "identity"
    squeeze: Squeeze = "efficientnet"
    activation: Activation | None = None
    group_size: int = 0
    sizes: Sizes = "exact"
    joined: bool = False
    kernel_before: Kernel = 0
    kernel_after: Kernel = 0
    experts: int = 0

    def __post_init__(self) -> None:
        if self.op not in OPERATIONS:
            raise unknown_name("operation", self.op, OPERATIONS)
        if self.skip not in get_args(Skip):
            raise unknown_name("skip option", self.skip, get_args(Skip))
        if self.squeeze not in SQUEEZES:
            raise unknown_name("kind of squeeze-excite", self.squeeze, SQUEEZES)
        if self.activation is not None and self.activation not in ACTIVATIONS:
            raise unknown_name("activation", self.activation, ACTIVATIONS)
        if self.sizes not in get_args(Sizes):
            raise unknown_name("sizes option", self.sizes, get_args(Sizes))
        operation = OPERATIONS[self.op]
        if operation.expanded and self.expand != 1:
            self._set("op", operation.expanded)  # where something expands it is the same
        elif operation.kept and self.experts and self.expand == 1:
            self._set("op", operation.kept)
        where = f"stage '{self.op}'"
        if not isinstance(self.joined, bool):
            raise InputError(f"{where}: joined must be true or false, not {self.joined!r}")
        if type(self.group_size) is not int or self.group_size:
            check_counts(where, group_size=self.group_size)
            if operation.grouped is None:
                raise InputError(f"{where}: its convolution cannot be grouped, leave group_size")
            if operation.depthwise and self.group_size == 1:
                self._set("group_size", 0)
        check_counts(where, channels=self.channels, layers=self.layers, stride=self.stride)
        self._check_kernels(where)
        self._check_experts(where)
        check_ratio(where, "expand", self.expand, lowest=1e-9)
        check_ratio(where, "se", self.se, lowest=0.0)
        if not self.se:
            self._set("squeeze", "efficientnet")  # of what is not there

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_kernels(self, where: str) -> None:
        operation = OPERATIONS[self.op]
        for name in ("kernel", "kernel_before", "kernel_after"):
            kernel = getattr(self, name)
            if isinstance(kernel, list | tuple):
                kernel = tuple(kernel) if len(kernel) > 1 else next(iter(kernel), None)
                self._set(name, kernel)
        if self.kernel != 0 or operation.around != "depthwise":
            check_one_or_several(where, "kernel", self.kernel, operation.mixes)
        for name in ("kernel_before", "kernel_after"):
            kernel = getattr(self, name)
            if type(kernel) is int and kernel == 0:
                continue
            if operation.around is None:
                raise InputError(f"{where}: {name} is for mbconv and universal only, leave it out")
            check_one_or_several(where, name, kernel, operation.around == "pointwise")
            if operation.around == "pointwise" and kernel == 1:
                self._set(name, 0)
        if isinstance(self.kernel, tuple) and self.group_size:
            raise InputError(f"{where}: several kernels have no groups, leave group_size")
        if self.stride > 1 and not (self.kernel or self.kernel_before or self.kernel_after):
            raise InputError(
                f"{where}: a stride of {self.stride} needs a depthwise convolution: give a kernel"
            )

    def _check_experts(self, where: str) -> None:
        if type(self.experts) is int and self.experts == 0:
            return
        check_counts(where, experts=self.experts)
        if not OPERATIONS[self.op].conditional:
            raise InputError(f"{where}: its convolutions have no experts, leave experts")
        kernels = (self.kernel, self.kernel_before, self.kernel_after)
        if any(isinstance(kernel, tuple) for kernel in kernels):
            raise InputError(f"{where}: experts have one kernel, not several that share channels")


@dataclass(frozen=True, kw_only=True)
class Head:
    """What follows the stages: a 1×1 convolution (none where channels is 0), pooling, linear.

    Attributes:
        channels: of the convolution.
        pooled: the convolution stands behind the pooling, as in MobileNetV3: `bias` without
            normalization, `norm` with it (MobileNetV4), `plain` with neither; None before it.

    Example:
        >>> import effsearch
        >>> stage = effsearch.Stage(op="conv", channels=16)
        >>> effsearch.Architecture(stages=(stage,), head=effsearch.Head(channels=0)).features
        16
    """

    channels: int = 1280
    pooled: Pooled | None = None

    def __post_init__(self) -> None:
        # A plain comparison would let False and None pass for 0, and they would be written so.
        if type(self.channels) is not int or self.channels:
            check_counts("head", channels=self.channels)
        if self.pooled is not None:
            if self.pooled not in get_args(Pooled):
                raise unknown_name("pooled option of the head", self.pooled, get_args(Pooled))
            if not self.channels:
                raise InputError("head: pooled needs a convolution, and channels of 0 leave none")

"""Architecture: one ConvNet as plain data, and the blocks it resolves to.

A network is written as stages (what a paper's table shows). What is built, counted and compared
are its blocks: every layer with its channels worked out. Two spellings that resolve to the same
blocks are the same network.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, TypeVar, get_args

from effsearch.search_spaces.activations import ACTIVATIONS, Activation
from effsearch.search_spaces.block import Block, Kernel, Op, Shortcut, Skip
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.operations import OPERATIONS, block_layers, projection
from effsearch.search_spaces.operations.layer import Convolution
from effsearch.search_spaces.squeeze import SQUEEZES, Squeeze, Width, divisible, squeeze_width
from effsearch.search_spaces.style import Norm, Padding, Style

Sizes = Literal["exact", "timm"]
Pooled = Literal["bias", "norm", "plain"]
StemKind = Literal["plain", "deep", "deep_tiered"]

# Far beyond any network; a slip such as 10⁹ layers must not fill the memory.
MOST_LAYERS = 10_000
LARGEST_COUNT = 1_000_000


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
        _check_counts("stem", channels=self.channels, stride=self.stride)
        _check_kernel("stem", self.kernel)
        if not isinstance(self.pool, bool):
            raise InputError(f"stem: pool must be true or false, not {self.pool!r}")
        if self.kind not in get_args(StemKind):
            raise unknown_name("kind of stem", self.kind, get_args(StemKind))
        fewest = {"plain": 1, "deep": 2, "deep_tiered": 8}[self.kind]
        if self.channels < fewest or (self.kind != "plain" and self.channels % 2):
            raise InputError(
                f"stem: channels of a '{self.kind}' one must be even and at least {fewest}, not "
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
            _check_counts(where, group_size=self.group_size)
            if operation.grouped is None:
                raise InputError(f"{where}: its convolution cannot be grouped, leave group_size")
            if operation.depthwise and self.group_size == 1:
                self._set("group_size", 0)
        _check_counts(where, channels=self.channels, layers=self.layers, stride=self.stride)
        self._check_kernels(where)
        self._check_experts(where)
        _check_ratio(where, "expand", self.expand, lowest=1e-9)
        _check_ratio(where, "se", self.se, lowest=0.0)
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
            _check_one_or_several(where, "kernel", self.kernel, operation.mixes)
        for name in ("kernel_before", "kernel_after"):
            kernel = getattr(self, name)
            if type(kernel) is int and kernel == 0:
                continue
            if operation.around is None:
                raise InputError(f"{where}: {name} is of mbconv and universal, leave it out")
            _check_one_or_several(where, name, kernel, operation.around == "pointwise")
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
        _check_counts(where, experts=self.experts)
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
            _check_counts("head", channels=self.channels)
        if self.pooled is not None:
            if self.pooled not in get_args(Pooled):
                raise unknown_name("pooled option of the head", self.pooled, get_args(Pooled))
            if not self.channels:
                raise InputError("head: pooled is of a convolution, and channels of 0 leave none")


@dataclass(frozen=True, kw_only=True, eq=False)
class Architecture:
    """One network: what is needed to build and count it, and nothing else.

    Equality, hash and `id` follow the resolved network, not its spelling. These attributes are
    public: an evaluator of the user's reads them.

    Attributes:
        stem: first convolution.
        stages: the stages in order, at least one.
        head: last convolution and classifier.
        activation: everywhere but in linear bottlenecks.
        resolution: input height and width in pixels.
        classes: outputs of the classifier.
        in_channels: of the input image.
        norm_eps: of the normalization (EfficientNet 1e-3, ResNet 1e-5).
        norm: `batch`, `layer` (over the channels of each pixel), or `group8` for groups of 8.
        padding: `symmetric`, or `same` as TensorFlow pads strided convolutions.

    Example:
        >>> import effsearch
        >>> stages = tuple(effsearch.Stage(op="mbconv", channels=c, stride=2) for c in (16, 32))
        >>> network = effsearch.Architecture(stages=stages, resolution=64, classes=10)
        >>> effsearch.cost(network).params
        58906
        >>> network == effsearch.parse_architecture(effsearch.format_architecture(network))
        True
    """

    stem: Stem = field(default_factory=Stem)
    stages: tuple[Stage, ...]
    head: Head = field(default_factory=Head)
    activation: Activation = "silu"
    resolution: int = 224
    classes: int = 1000
    in_channels: int = 3
    norm_eps: float = 1e-3
    norm: Norm = "batch"
    padding: Padding = "symmetric"

    def __post_init__(self) -> None:
        if not self.stages:
            raise InputError("an architecture needs at least one stage")
        object.__setattr__(self, "stages", tuple(map(self._spelled, self.stages)))
        layers = sum(stage.layers for stage in self.stages)
        if layers > MOST_LAYERS:
            raise InputError(f"an architecture has at most {MOST_LAYERS} layers, not {layers}")
        if self.activation not in ACTIVATIONS:
            raise unknown_name("activation", self.activation, ACTIVATIONS)
        _check_counts(
            "architecture",
            resolution=self.resolution,
            classes=self.classes,
            in_channels=self.in_channels,
        )
        _check_ratio("architecture", "norm_eps", self.norm_eps, lowest=0.0)
        if any(_may_not_fit(stage) for stage in self.stages):
            _ = self.blocks  # channels that their groups do not divide are found here
        _check_norm(self)

    def _spelled(self, stage: Stage) -> Stage:
        """A stage whose activation is the network's does not say so."""
        same = stage.activation is not None and stage.activation == self.activation
        return replace(stage, activation=None) if same else stage

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Every layer between stem and head, sizes worked out."""
        resolved: list[Block] = []
        channels = self.stem.channels
        for stage in self.stages:
            resolved.extend(stage_blocks(stage, channels))
            channels = stage.channels
        return tuple(resolved)

    @property
    def style(self) -> Style:
        """How its convolutions are normalized and padded."""
        return Style(self.norm, self.padding)

    @property
    def features(self) -> int:
        """Channels that enter the classifier."""
        return self.head.channels or self.stages[-1].channels

    @property
    def canonical(self) -> str:
        """Canonical JSON of the resolved network: equal for every spelling of it."""
        rest: dict[str, Any] = {
            "stem": list(_document(self.stem, _LATER_OF_STEM).values()),
            "head": [self.head.channels, self.classes]
            + ([self.head.pooled] if self.head.pooled else []),
            "resolution": self.resolution,
            "in_channels": self.in_channels,
            "norm_eps": float(self.norm_eps),
        }
        later = {name: getattr(self, name) for name in _LATER}
        rest |= {name: value for name, value in later.items() if value != _PLAIN[name]}
        blocks = ",".join(map(_block_json, self.blocks))
        start = f'{{"activation":"{self.activation}","blocks":[{blocks}],'
        return start + _compact_json(rest).removeprefix("{")

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits, stable over sessions and machines."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()[:12]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def _repr_html_(self) -> str:
        """In a notebook: its stages."""
        from effsearch.search_spaces.html import html_table

        columns = ("op", "kernel", "stride", "expand", "se", "skip", "channels", "layers")
        rows = [
            (number, *(getattr(stage, name) for name in columns))
            for number, stage in enumerate(self.stages, start=1)
        ]
        caption = (
            f"network {self.id}: {self.resolution} px, stem {self.stem.channels}, head "
            f"{self.head.channels}, {self.activation}, {self.classes} classes"
        )
        return html_table(rows, ("stage", *columns), caption)

    def to_dict(self) -> dict[str, Any]:
        """The architecture as JSON-ready data, spelled as it was written."""
        document = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.name not in _LATER or getattr(self, item.name) != item.default
        }
        document["stem"] = _document(self.stem, _LATER_OF_STEM)
        document["stages"] = [_document(stage, _LATER_OF_STAGE) for stage in self.stages]
        document["head"] = _document(self.head, _LATER_OF_HEAD)
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Architecture":
        """Read what `to_dict` wrote, or the same by hand with defaults left out.

        Raises:
            InputError: a key nobody knows, a missing one, or a value out of range.
        """
        values = dict(_mapping("architecture", document))
        stages = values.get("stages")
        if not isinstance(stages, list | tuple):
            raise InputError("an architecture needs 'stages': a list of stages")
        values["stages"] = tuple(_build(Stage, "stage", stage) for stage in stages)
        values["stem"] = _build(Stem, "stem", values.get("stem", {}))
        values["head"] = _build(Head, "head", values.get("head", {}))
        return _build(cls, "architecture", values)


# A search makes millions of networks from few different stages, so what follows from a stage is
# worked out once and shared.
@lru_cache(maxsize=2**16)
def stage_blocks(stage: Stage, in_channels: int) -> tuple[Block, ...]:
    """The blocks of one stage behind `in_channels` channels; empty for an identity of no effect."""
    first = _resolve(stage, in_channels, stage.stride)
    if stage.layers == 1:
        return (first,) if first else ()
    rest = _resolve(stage, stage.channels, 1)
    return tuple(block for block in (first, *[rest] * (stage.layers - 1)) if block)


@lru_cache(maxsize=2**16)
def _block_json(block: Block) -> str:
    # What came after the first networks were numbered is left out where it is as it was then.
    values = list(vars(block).values())
    while values[-1] == _BLOCK_DEFAULTS[len(values) - 1]:
        values.pop()
    return _compact_json(values)


_BLOCK_DEFAULTS = [item.default for item in fields(Block)]
_LATER = ("norm", "padding")
_PLAIN = {item.name: item.default for item in fields(Architecture)}
_LATER_OF_STAGE = (
    "squeeze",
    "activation",
    "group_size",
    "sizes",
    "joined",
    "kernel_before",
    "kernel_after",
    "experts",
)
_LATER_OF_HEAD = ("pooled",)
_LATER_OF_STEM = ("kind",)


def _document(part: Stem | Stage | Head, later: tuple[str, ...]) -> dict[str, Any]:
    """A part as data; fields that came later are left out where they have their default."""
    defaults = {item.name: item.default for item in fields(part)}
    return {
        name: value
        for name, value in asdict(part).items()
        if name not in later or value != defaults[name]
    }


def _compact_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _resolve(stage: Stage, in_channels: int, stride: int) -> Block | None:
    out = stage.channels
    operation = OPERATIONS[stage.op]
    keeps_shape = stride == 1 and in_channels == out
    if operation.resamples:
        if keeps_shape:
            return None
        return Block(stage.op, 1, stride, in_channels, in_channels, out, 0, "none")
    mid, squeeze = _widths(stage, in_channels, stage.sizes)
    op, before = stage.op, stage.kernel_before
    if mid == in_channels:
        # timm keeps a convolution whose expansion is only rounded away.
        keeps = (stage.sizes == "timm" and stage.expand != 1) or stage.experts
        op = (operation.kept if keeps else None) or operation.unexpanded or op
        if operation.around == "pointwise" and not OPERATIONS[op].pointwise:
            before = 0  # of what is not there
    block = Block(
        op,
        stage.kernel,
        stride,
        in_channels,
        mid,
        out,
        squeeze,
        _shortcut(stage, in_channels, keeps_shape),
        stage.activation,
        stage.squeeze if squeeze else "efficientnet",
        _groups(stage, in_channels, mid),
        before,
        stage.kernel_after,
        stage.experts,
    )
    return _check_channels(block) if _may_not_fit(stage) else block


def _may_not_fit(stage: Stage) -> bool:
    """Whether channels may be such that a layer cannot be made of them."""
    kernels = (stage.kernel, stage.kernel_before, stage.kernel_after)
    return bool(stage.group_size) or any(isinstance(kernel, tuple) for kernel in kernels)


@lru_cache(maxsize=2**16)
def sizes_differ(stage: Stage, in_channels: int) -> bool:
    """Whether timm's rounding gives another width in any layer of a stage than no rounding."""
    inputs = {in_channels} if stage.layers == 1 else {in_channels, stage.channels}
    expands = stage.expand != 1 and OPERATIONS[stage.op].kept is not None
    for into in inputs:
        widths = _widths(stage, into, "timm")
        if widths != _widths(stage, into, "exact") or (expands and widths[0] == into):
            return True
    return False


def _widths(stage: Stage, in_channels: int, sizes: Sizes) -> tuple[int, int]:
    """The hidden width of a layer and the width of its squeeze, 0 for none."""
    operation = OPERATIONS[stage.op]
    mid = operation.hidden(in_channels, stage.channels, stage.expand)
    if sizes == "exact" or not operation.rounds:
        widths: dict[Width, int] = {"input": in_channels, "hidden": mid, "output": stage.channels}
        return mid, squeeze_width(stage.squeeze, stage.se, widths)
    ratio = stage.expand
    if operation.pointwise or ratio != 1:
        mid = divisible(in_channels * ratio)
    if SQUEEZES[stage.squeeze].of == "input":
        return mid, max(1, round(mid * (stage.se / ratio))) if stage.se else 0
    widths = {"input": in_channels, "hidden": mid, "output": stage.channels}
    return mid, squeeze_width(stage.squeeze, stage.se, widths)


def _groups(stage: Stage, in_channels: int, mid: int) -> int:
    if not stage.group_size:
        return 1
    grouped = in_channels if OPERATIONS[stage.op].grouped == "input" else mid
    if grouped % stage.group_size:
        raise InputError(
            f"stage '{stage.op}': {grouped} channels are not a multiple of the group size "
            f"{stage.group_size}"
        )
    if OPERATIONS[stage.op].depthwise and grouped == stage.group_size:
        raise InputError(
            f"stage '{stage.op}': a group size of {stage.group_size} leaves one group of all "
            "channels: give a smaller one"
        )
    return grouped // stage.group_size


def _check_channels(block: Block) -> Block:
    for layer in block_layers(block):
        if not isinstance(layer, Convolution):
            continue
        if not isinstance(layer.kernel, int):
            fewest = min(layer.into, layer.out)
            if fewest < len(layer.kernel):
                raise InputError(
                    f"'{block.op}': {len(layer.kernel)} kernels cannot share {fewest} channels"
                )
        elif layer.into % layer.groups or layer.out % layer.groups:
            raise InputError(
                f"'{block.op}' cannot have {layer.groups} groups between {layer.into} and "
                f"{layer.out} channels: both must be multiples"
            )
    return block


def _check_norm(architecture: Architecture) -> None:
    """Every channel count that is normalized fits the normalization."""
    style = architecture.style
    if style.norm in ("batch", "layer"):
        return
    head = architecture.head
    for width in architecture.stem.widths:
        style.norm_groups(width)
    if head.pooled in (None, "norm"):
        style.norm_groups(head.channels)
    for block in architecture.blocks:
        for layer in (*block_layers(block), projection(block)):
            if isinstance(layer, Convolution) and layer.after == "norm":
                style.norm_groups(layer.out)


def _shortcut(stage: Stage, in_channels: int, keeps_shape: bool) -> Shortcut:
    if stage.skip == "identity":
        if keeps_shape:
            return "identity"
        return "projection" if OPERATIONS[stage.op].projects else "none"
    # Zero channels can be added without parameters, channels cannot be dropped without choosing.
    if stage.skip == "pool" and in_channels <= stage.channels:
        return "pool"
    return "none"


T = TypeVar("T", Stem, Stage, Head, Architecture)


def _build(cls: type[T], where: str, document: object) -> T:
    values = _mapping(where, document)
    known = {item.name for item in fields(cls)}
    for key in values:
        if key not in known:
            raise unknown_name("key", key, known, where=f" in {where}")
    try:
        return cls(**values)
    except TypeError as error:
        missing = str(error).rpartition(": ")[2]
        raise InputError(f"{where} lacks {missing}") from None


def _mapping(where: str, document: object) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise InputError(f"{where} must be a mapping of names to values, not {document!r}")
    return document


def _check_counts(where: str, **counts: object) -> None:
    for name, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{where}: {name} must be a whole number of at least 1, not {value!r}")
        if value > LARGEST_COUNT:
            shown = value if value < 10**12 else f"a number of {len(str(value))} digits"
            raise InputError(f"{where}: {name} is at most {LARGEST_COUNT}, not {shown}")


def _check_kernel(where: str, kernel: object, name: str = "kernel") -> None:
    if not isinstance(kernel, int) or isinstance(kernel, bool) or kernel < 1 or kernel % 2 == 0:
        raise InputError(f"{where}: {name} must be an odd whole number, not {kernel!r}")


def _check_one_or_several(where: str, name: str, kernel: object, several: bool) -> None:
    if not isinstance(kernel, tuple):
        _check_kernel(where, kernel, name)
        return
    if not several:
        raise InputError(f"{where}: {name} must be one odd whole number, not {list(kernel)}")
    for one in kernel:
        _check_kernel(where, one, name)


def _check_ratio(where: str, name: str, value: object, lowest: float) -> None:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    if not usable or not math.isfinite(value) or value < lowest:  # type: ignore[arg-type,operator]
        raise InputError(f"{where}: {name} must be a finite number above zero, not {value!r}")

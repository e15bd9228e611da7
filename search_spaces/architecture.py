"""Architecture: one ConvNet as plain data, and its id.

A network is written as stages (what a paper's table shows). What is built, counted and compared
are its blocks: every layer with its channels worked out. Two spellings that resolve to the same
blocks are the same network.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from effsearch.search_spaces.activations import ACTIVATIONS, Activation
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.field_checks import MOST_LAYERS, check_counts, check_ratio
from effsearch.search_spaces.operations import block_layers, projection
from effsearch.search_spaces.operations.layer import Convolution
from effsearch.search_spaces.parts import Head, Stage, Stem
from effsearch.search_spaces.stage_blocks import may_not_fit, stage_blocks
from effsearch.search_spaces.style import Norm, Padding, Style


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
        check_counts(
            "architecture",
            resolution=self.resolution,
            classes=self.classes,
            in_channels=self.in_channels,
        )
        check_ratio("architecture", "norm_eps", self.norm_eps, lowest=0.0)
        if any(may_not_fit(stage) for stage in self.stages):
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

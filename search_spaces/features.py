"""A network's feature maps by how far they are reduced, for detectors and segmentation."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Level:
    """The last feature map of one size.

    Attributes:
        num_chs: its channels.
        reduction: pixels of the image along one side of a pixel of the map.
        module: of the network, behind which it lies, such as `blocks.4`.
        place: 0 for the stem's convolution, 1 for all of the stem, 2 for the first block …
    """

    num_chs: int
    reduction: int
    module: str
    place: int

    def to_dict(self) -> dict[str, Any]:
        """As timm describes one: channels, reduction, module."""
        document = asdict(self)
        del document["place"]
        return document


def feature_levels(architecture: Architecture) -> list[Level]:
    """The last map before each reduction and the last of all, largest first.

    The head's 1×1 convolution is not among them, as in timm. For EfficientNet-B0: 16, 24, 40, 112
    and 320 channels at reductions 2, 4, 8, 16 and 32.

    Example:
        >>> from effsearch.search_spaces.zoo import load_zoo
        >>> [(level.num_chs, level.reduction) for level in feature_levels(load_zoo("resnet-50"))]
        [(64, 2), (256, 4), (512, 8), (1024, 16), (2048, 32)]
    """
    last: dict[int, Level] = {}
    for level in _points(architecture):
        last[level.reduction] = level
    return list(last.values())


def _points(architecture: Architecture) -> Iterator[Level]:
    stem = architecture.stem
    reduction = stem.stride
    yield Level(num_chs=stem.channels, reduction=reduction, module="stem", place=0)
    if stem.pool:
        reduction *= 2
        yield Level(num_chs=stem.channels, reduction=reduction, module="stem", place=1)
    for index, block in enumerate(architecture.blocks):
        reduction *= block.stride
        yield Level(
            num_chs=block.out_channels,
            reduction=reduction,
            module=f"blocks.{index}",
            place=index + 2,
        )


class FeatureInfo:
    """What feature maps a network gives, with timm's words.

    Args:
        levels: all there are, largest map first.
        out_indices: those that are given, ascending; negative ones count from the end.

    Raises:
        InputError: an index that there is not.
    """

    def __init__(self, levels: Sequence[Level], out_indices: Sequence[int]) -> None:
        count = len(levels)
        for index in out_indices:
            if isinstance(index, bool) or not isinstance(index, int) or not -count <= index < count:
                shown = ", ".join(f"{i} (1/{one.reduction})" for i, one in enumerate(levels))
                raise InputError(f"out_indices has {index!r}: the network's maps are {shown}")
        self.levels = tuple(levels)
        self.out_indices = tuple(sorted({index % count for index in out_indices}))

    @property
    def info(self) -> list[dict[str, Any]]:
        """All maps as timm lists them."""
        return [level.to_dict() for level in self.levels]

    @property
    def chosen(self) -> list[Level]:
        """The maps that are given."""
        return [self.levels[index] for index in self.out_indices]

    def channels(self, idx: int | Sequence[int] | None = None) -> Any:
        """Channels of the maps that are given, or of one or some of all maps."""
        return self.get("num_chs", idx)

    def reduction(self, idx: int | Sequence[int] | None = None) -> Any:
        """Reductions, likewise."""
        return self.get("reduction", idx)

    def module_name(self, idx: int | Sequence[int] | None = None) -> Any:
        """Modules behind which the maps lie, likewise."""
        return self.get("module", idx)

    def get_dicts(
        self, keys: Sequence[str] | None = None, out_indices: Sequence[int] | None = None
    ) -> list[dict[str, Any]]:
        """The maps that are given, or others, as timm's dicts."""
        places = self.out_indices if out_indices is None else out_indices
        rows = [self.levels[index].to_dict() for index in places]
        return [{key: row[key] for key in keys or row} for row in rows]

    def get(self, key: str, idx: int | Sequence[int] | None = None) -> Any:
        """One thing of the maps that are given, or of one or some of all maps."""
        if isinstance(idx, int):
            return self.levels[idx].to_dict()[key]
        return [self.levels[index].to_dict()[key] for index in idx or self.out_indices]

    def __len__(self) -> int:
        return len(self.levels)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return self.levels[place].to_dict()

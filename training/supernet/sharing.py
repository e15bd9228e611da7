"""What a supernet of a space shares: the size of each tensor, and what stands side by side."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.parts import Head, Stage, Stem
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.stage_blocks import stage_blocks
from effsearch.search_spaces.stem_and_head import head_layers, stem_layers
from effsearch.search_spaces.units import format_count
from effsearch.training.supernet.cutting import Cut, Shape, block_cuts, layer_cuts

_OWN = re.compile(r"\d+x\d+|\d+ experts of .*")

MOST_PARAMETERS = 2_000_000_000
"""Four times as many bytes, and with gradients and momentum three times that, fit no device."""


@dataclass
class Sharing:
    """The tensors of a supernet.

    Attributes:
        shapes: of each shared tensor by its name.
        deviations: of their initial values, those of the largest that is cut from it; 0 for zeros,
            None for ones.
        kernels: of a convolution's weight the kernels that are cut from it, ascending.
    """

    shapes: dict[str, Shape] = field(default_factory=dict)
    deviations: dict[str, float | None] = field(default_factory=dict)
    kernels: dict[str, list[int]] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        total = 0
        for shape in self.shapes.values():
            numbers = 1
            for axis in shape:
                numbers *= axis
            total += numbers
        return total

    @property
    def side_by_side(self) -> dict[str, list[str]]:
        """By stage the kinds of layers that share no weights with each other, where there are
        several: operations, MBConvs with and without expansion, groups of different sizes, experts
        of different widths."""
        kinds: dict[str, dict[str, None]] = {}
        groups: dict[tuple[str, str, str], set[str]] = {}
        for name in self.shapes:
            place, *rest = name.split(":")
            if place != "stages" or rest[3].startswith("downsample"):
                continue
            stage, _, op, convolutions, layer, *more = rest
            where = f"stages.{stage}"
            kinds.setdefault(where, {}).setdefault(f"{op} ({convolutions})")
            grouped = next((part for part in more if _OWN.fullmatch(part)), "no groups")
            groups.setdefault((where, op, layer), set()).add(grouped)
        for (where, op, layer), found in groups.items():
            if len(found) > 1:
                kinds[where] |= {f"{op}'s {layer} ({one})": None for one in sorted(found)}
        return {stage: sorted(found) for stage, found in kinds.items() if len(found) > 1}

    @property
    def notice(self) -> str:
        """What stands side by side, in words; empty where all is shared."""
        apart = self.side_by_side
        if not apart:
            return ""
        stages = ", ".join(apart)
        kinds = "; ".join(sorted({" | ".join(found) for found in apart.values()}))
        return f"what shares no weights stands side by side in {stages}: {kinds}"

    def add(self, found: Iterable[Cut]) -> None:
        """Make each tensor as large as the largest that is cut from it."""
        for cut in found:
            known = self.shapes.get(cut.shared, cut.shape)
            self.shapes[cut.shared] = tuple(map(max, known, cut.shape))
            before = self.deviations.get(cut.shared, cut.deviation)
            if cut.deviation is None or before is None:
                self.deviations[cut.shared] = None
            else:
                self.deviations[cut.shared] = min(before, cut.deviation)
            if len(cut.shape) == 4 and cut.shape[2] > 1:
                kernels = self.kernels.setdefault(cut.shared, [])
                if cut.shape[2] not in kernels:
                    kernels.append(cut.shape[2])
                    kernels.sort()


def sharing_of(space: SearchSpace, classes: int, in_channels: int = 3) -> Sharing:
    """The tensors that all networks of a space are cut from.

    Raises:
        InputError: they are too many to be trained; what stands side by side is named.
    """
    found = Sharing()
    widths: set[int] = set()
    for values in space.local_options("stem"):
        stem = Stem(**values)
        widths.add(stem.channels)
        found.add(layer_cuts("stem", stem_layers(stem, in_channels)))
    for number in range(space.stages):
        stages = [Stage(**values) for values in space.local_options(f"stages.{number}")]
        for cut in _stage_cuts(number, stages, widths):
            found.add((cut,))
        widths = {stage.channels for stage in stages}
    for values in space.local_options("head"):
        for width in widths:
            found.add(layer_cuts("head", head_layers(Head(**values), width, classes)))
    if found.parameters > MOST_PARAMETERS:
        raise InputError(
            f"a supernet of space '{space.name}' has {format_count(found.parameters)} parameters, "
            f"more than {format_count(MOST_PARAMETERS)}: narrow its widths"
            + (f" ({found.notice})" if found.notice else "")
        )
    return found


def _stage_cuts(number: int, stages: Iterable[Stage], widths: Iterable[int]) -> Iterator[Cut]:
    blocks = {
        (layer, block)
        for stage in stages
        for width in widths
        for layer, block in enumerate(stage_blocks(stage, width))
    }
    # In a fixed order, so that a supernet's weights follow from its seed alone.
    for layer, block in sorted(blocks, key=repr):
        yield from block_cuts(number, layer, block)

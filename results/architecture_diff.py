"""Two networks side by side, part by part, and what each of them costs."""

from dataclasses import dataclass
from itertools import zip_longest

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_stage, format_stem


@dataclass(frozen=True)
class Part:
    """One line of a comparison: a part of both networks in notation; `-` where one has none."""

    name: str
    left: str
    right: str

    @property
    def same(self) -> bool:
        """Whether both spell it alike."""
        return self.left == self.right


@dataclass(frozen=True)
class CostRow:
    """A cost of both networks; `ratio` is left over right."""

    name: str
    left: int
    right: int

    @property
    def ratio(self) -> float | None:
        """How many times the right one's; None where that is 0, as layers can be."""
        return self.left / self.right if self.right else None


def compare_parts(left: Architecture, right: Architecture) -> list[Part]:
    """Input, stem, stages and head; stages are compared by their place."""
    parts = [
        Part("resolution", str(left.resolution), str(right.resolution)),
        Part("activation", left.activation, right.activation),
        Part("stem", _stem(left), _stem(right)),
    ]
    pairs = zip_longest(left.stages, right.stages)
    for number, (one, other) in enumerate(pairs, start=1):
        spelled = (format_stage(stage) if stage else "-" for stage in (one, other))
        parts.append(Part(f"stage {number}", *spelled))
    parts.append(Part("head", f"c{left.head.channels}", f"c{right.head.channels}"))
    parts.append(Part("classes", str(left.classes), str(right.classes)))
    return parts


def compare_costs(left: Architecture, right: Architecture) -> list[CostRow]:
    """Layers, MACs, parameters and activation memory, each network at its own resolution."""
    one, other = cost(left), cost(right)
    return [
        CostRow("layers", len(left.blocks), len(right.blocks)),
        CostRow("macs", one.macs, other.macs),
        CostRow("params", one.params, other.params),
        CostRow("memory_bytes", one.memory_bytes, other.memory_bytes),
    ]


def _stem(network: Architecture) -> str:
    return format_stem(network.stem).removeprefix("stem_")

"""What a model of accuracy looks at: a network's effective choices, and what its blocks add up to.

Genes that change nothing (the kernel of an identity, a shortcut that no layer can have) are set to
one value, so two spellings of a stage look alike. Look-up tables as in the population costs: each
stage has one, by the state in front of it and the combination of its genes.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from effsearch.search_spaces.block import Block, widest
from effsearch.search_spaces.parts import Stage
from effsearch.search_spaces.population import PopulationCost, State, numbered_states, stem_states
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.search_spaces.stage_blocks import stage_blocks

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]

_MOST_KINDS = 48  # more than some hundred measurements can tell apart
_Kind = tuple[str, int, int, bool]


@dataclass(frozen=True, kw_only=True)
class Features:
    """Features of n networks.

    Attributes:
        genes: effective choices, (n, genes), each 0 … options − 1.
        numbers: log parameters, log MACs, log peak memory, and over all blocks the sums of depth,
            kernel, squeeze-excite, log expansion, shortcuts and log growth, (n, 9).
        blocks: how many blocks of each kind lie at each resolution, (n, levels · kinds).
    """

    genes: Encodings
    numbers: Floats
    blocks: Floats

    def __len__(self) -> int:
        return len(self.genes)

    def rows(self, places: Whole) -> "Features":
        """Features of the networks at these places."""
        return Features(
            genes=self.genes[places],
            numbers=self.numbers[places],
            blocks=self.blocks[places],
        )


@dataclass(frozen=True, kw_only=True)
class _Table:
    """One stage; each array (states, combinations of its genes, …)."""

    genes: Encodings
    sums: Floats
    kind: Whole  # of its last block; −1 without a block
    level: Whole
    next_state: Whole


class FeatureTables:
    """Features of every network of a space.

    Args:
        space: whose encodings are looked up.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._costs = PopulationCost(space)
        self._columns = {
            section: [i for i, gene in enumerate(space.genes) if gene.section == section]
            for section in space.sections
        }

    def __call__(self, encodings: Encodings) -> Features:
        """Features of the rows of (n, genes)."""
        rows = np.arange(len(encodings))
        tables, kinds, levels = self._tables
        sums = np.zeros((len(rows), len(_SUMMED)))
        # One column more for "no block": what is added there is cut off.
        blocks = np.zeros((len(rows), levels, kinds + 1))
        for table, place in zip(tables, self._places(encodings), strict=True):
            added, kind = table.sums[place], table.kind[place]
            sums += added
            blocks[rows, table.level[place], kind] += added[:, 0]
        costs = self._costs(encodings)
        logs = [np.log(costs[name]) for name in ("params", "macs", "memory_bytes")]
        return Features(
            genes=self.effective(encodings),
            numbers=np.column_stack([*logs, sums]),
            blocks=blocks[:, :, :-1].reshape(len(rows), levels * kinds),
        )

    def effective(self, encodings: Encodings) -> Encodings:
        """The rows of (n, genes) with genes that change nothing set to one value."""
        genes = encodings.copy()
        places = self._places(encodings)
        for index, (table, place) in enumerate(zip(self._tables[0], places, strict=True)):
            genes[:, self._columns[f"stages.{index}"]] = table.genes[place]
        return genes

    def _places(self, encodings: Encodings) -> Iterator[tuple[Whole, Whole]]:
        """For each stage where the rows' values lie in its table."""
        state = self._stem_states[1][self._space.local_index("stem", encodings)]
        for index, table in enumerate(self._tables[0]):
            local = self._space.local_index(f"stages.{index}", encodings)
            yield state, local
            state = table.next_state[state, local]

    @cached_property
    def _stem_states(self) -> tuple[list[State], Whole]:
        return stem_states(self._space)

    @cached_property
    def _tables(self) -> tuple[list[_Table], int, int]:
        """The tables, how many kinds of blocks they know, and how many levels."""
        kinds: dict[_Kind, int] = {}
        states, levels = self._stem_states[0], 1
        tables = []
        for index in range(self._space.stages):
            table, states = self._table(f"stages.{index}", states, kinds)
            levels = max(levels, int(table.level.max()) + 1)
            tables.append(table)
        coarse = _coarse(list(kinds))
        tables = [replace(table, kind=coarse[table.kind]) for table in tables]
        return tables, int(coarse.max()) + 1, levels

    def _table(
        self, section: str, states: list[State], kinds: dict[_Kind, int]
    ) -> tuple[_Table, list[State]]:
        stages = [Stage(**values) for values in self._space.local_options(section)]
        counts = self._space.options[self._columns[section]]
        local = np.indices(tuple(counts)).reshape(len(counts), len(stages)).T
        shape = (len(states), len(stages))
        first, kind = np.zeros(shape, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
        sums = np.zeros((*shape, len(_SUMMED)))
        ends: list[list[State]] = []
        for row, (channels, halvings) in enumerate(states):
            spelled: dict[tuple[object, ...], int] = {}
            for column, stage in enumerate(stages):
                blocks = stage_blocks(stage, channels)
                first[row, column] = spelled.setdefault((blocks, stage.channels), column)
                if blocks:
                    kind[row, column] = kinds.setdefault(_kind(blocks[-1]), len(kinds))
                sums[row, column] = [sum(f(block) for block in blocks) for f in _SUMMED]
            ends.append([(s.channels, halvings + int(np.log2(s.stride))) for s in stages])
        next_state, after = numbered_states(ends)
        table = _Table(
            genes=local[first],
            sums=sums,
            kind=kind,
            level=np.array([[halvings for _, halvings in line] for line in ends]),
            next_state=next_state,
        )
        return table, after


_SUMMED: tuple[Callable[[Block], float], ...] = (
    lambda block: 1.0,
    lambda block: widest(block.kernel),
    lambda block: block.se_channels > 0,
    lambda block: math.log(block.mid_channels / block.in_channels),
    lambda block: block.shortcut != "none",
    lambda block: math.log(block.out_channels / block.in_channels),
)


def _kind(block: Block) -> _Kind:
    expand = round(block.mid_channels / block.in_channels)
    return (block.op, widest(block.kernel), expand, block.se_channels > 0)


def _coarse(kinds: list[_Kind]) -> Whole:
    """A number for each kind, told apart as finely as their number allows; last the −1 of none."""
    details = ({kind: kind[:detail] for kind in kinds} for detail in (4, 3, 2, 1))
    kept = next((d for d in details if len(set(d.values())) <= _MOST_KINDS), {})
    numbers = {short: place for place, short in enumerate(dict.fromkeys(kept.values()))}
    return np.array([*(numbers[kept[kind]] for kind in kinds), -1])

"""What a model of accuracy looks at: a network's effective choices, and what they add up to.

Genes that change nothing (the kernel of an identity, a shortcut that no layer can have) are set to
one value, so two spellings of a stage look alike. Look-up tables as in the population costs: each
stage has one, by the channels in front of it and the combination of its genes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search_spaces.architecture import Block, Stage, Stem, stage_blocks
from search_spaces.population import PopulationCost
from search_spaces.space import Encodings, SearchSpace

Floats = NDArray[np.float64]

_SUMS = 6


@dataclass(frozen=True)
class Features:
    """Features of n networks.

    Attributes:
        genes: effective choices, (n, genes), each 0 … options − 1.
        numbers: log parameters, log MACs, log peak memory, and sums over the blocks, (n, 9).
    """

    genes: Encodings
    numbers: Floats

    def __len__(self) -> int:
        return len(self.genes)


@dataclass(frozen=True)
class _Table:
    genes: Encodings  # (states, combinations, genes of the stage)
    sums: Floats  # (states, combinations, _SUMS)
    next_state: NDArray[np.int64]  # (states, combinations)


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
        genes = encodings.copy()
        sums = np.zeros((len(encodings), _SUMS))
        state = self._stem_states[1][self._space.local_index("stem", encodings)]
        for index, table in enumerate(self._tables):
            section = f"stages.{index}"
            local = self._space.local_index(section, encodings)
            genes[:, self._columns[section]] = table.genes[state, local]
            sums += table.sums[state, local]
            state = table.next_state[state, local]
        costs = self._costs(encodings)
        logs = [np.log(costs[name]) for name in ("params", "macs", "memory_bytes")]
        return Features(genes, np.column_stack([*logs, sums]))

    @cached_property
    def _stem_states(self) -> tuple[list[int], NDArray[np.int64]]:
        widths = [Stem(**option).channels for option in self._space.local_options("stem")]
        different = sorted(set(widths))
        return different, np.array([different.index(width) for width in widths])

    @cached_property
    def _tables(self) -> list[_Table]:
        states = self._stem_states[0]
        tables = []
        for index in range(self._space.stages):
            table, states = self._table(f"stages.{index}", states)
            tables.append(table)
        return tables

    def _table(self, section: str, states: list[int]) -> tuple[_Table, list[int]]:
        stages = [Stage(**values) for values in self._space.local_options(section)]
        counts = self._space.options[self._columns[section]]
        local = np.indices(tuple(counts)).reshape(len(counts), len(stages)).T
        after = sorted({stage.channels for stage in stages})
        first = np.zeros((len(states), len(stages)), dtype=np.int64)
        sums = np.zeros((len(states), len(stages), _SUMS))
        for row, channels in enumerate(states):
            spelled: dict[tuple[object, ...], int] = {}
            for column, stage in enumerate(stages):
                blocks = stage_blocks(stage, channels)
                first[row, column] = spelled.setdefault((blocks, stage.channels), column)
                sums[row, column] = np.sum([_numbers(block) for block in blocks], axis=0)
        ends = np.array([after.index(stage.channels) for stage in stages])
        return _Table(local[first], sums, np.tile(ends, (len(states), 1))), after


def _numbers(block: Block) -> tuple[float, ...]:
    """One block's depth, kernel, squeeze-excite, expansion, shortcut and growth."""
    return (
        1.0,
        float(block.kernel),
        float(block.se_channels > 0),
        float(np.log(block.mid_channels / block.in_channels)),
        float(block.shortcut != "none"),
        float(np.log(block.out_channels / block.in_channels)),
    )

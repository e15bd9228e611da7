"""The costs of many architectures at once: closed-form costs as table look-ups.

What a stage costs depends on its own genes and on the state in front of it: input channels and
size. Both are few, so each stage gets a table (states, combinations of its genes) of costs and
next states, and a population walks through the stages in parallel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effsearch.search_spaces.cost import (
    BYTES_PER_ACTIVATION,
    LayerCost,
    block_cost,
    head_cost,
    stem_cost,
)
from effsearch.search_spaces.parts import Head, Stage, Stem
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.search_spaces.stage_blocks import stage_blocks
from effsearch.search_spaces.style import Style, style_of

METRICS = ("macs", "params", "memory_bytes")
"""The costs that are known before anything is trained."""

State = tuple[int, int]  # channels, and size in pixels or halvings of the image


@dataclass(frozen=True)
class _Table:
    """Costs of one section, each array (states, combinations)."""

    section: str
    macs: NDArray[np.int64]
    params: NDArray[np.int64]
    peak: NDArray[np.int64]
    next_state: NDArray[np.int64]


class PopulationCost:
    """Costs of every architecture of a space, equal to `cost` of each.

    Args:
        space: whose encodings are counted.
        resolution: pixels, where it differs from the space's own.
    """

    def __init__(self, space: SearchSpace, resolution: int | None = None) -> None:
        self._space = space
        self._resolution = resolution

    def __call__(self, encodings: Encodings) -> dict[str, NDArray[np.int64]]:
        """From (candidates, genes) to `macs`, `params` and `memory_bytes`, each (candidates,)."""
        count = len(encodings)
        macs, params = np.zeros(count, np.int64), np.zeros(count, np.int64)
        peak, state = np.zeros(count, np.int64), np.zeros(count, np.int64)
        network = self._space.local_index("network", encodings)
        for table in self._tables:
            local = self._space.local_index(table.section, encodings)
            # One flat index serves four gathers; the stem's row is the network's choice.
            row = network if table.section == "stem" else state
            index = row * table.macs.shape[1] + local
            macs += table.macs.ravel()[index]
            params += table.params.ravel()[index]
            np.maximum(peak, table.peak.ravel()[index], out=peak)
            state = table.next_state.ravel()[index]
        return {"macs": macs, "params": params, "memory_bytes": peak * BYTES_PER_ACTIVATION}

    @cached_property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """Lowest and highest reachable value of each cost over the whole space, exact."""
        return {
            "macs": (self._extreme("macs", np.min), self._extreme("macs", np.max)),
            "params": (self._extreme("params", np.min), self._extreme("params", np.max)),
            "memory_bytes": (
                self._extreme("peak", np.min) * BYTES_PER_ACTIVATION,
                self._extreme("peak", np.max) * BYTES_PER_ACTIVATION,
            ),
        }

    def _extreme(self, cost: str, pick: Callable[..., Any]) -> int:
        """Dynamic programming from the last section back: best over what follows each state."""
        join = np.maximum if cost == "peak" else np.add
        behind = np.zeros(1, np.int64)
        for table in reversed(self._tables):
            total = join(getattr(table, cost), behind[table.next_state])
            behind = pick(total, axis=1)
        return int(pick(behind))

    @cached_property
    def _style(self) -> Style:
        return style_of(self._space.local_options("network")[0])  # the same for all of a space

    @cached_property
    def _tables(self) -> list[_Table]:
        stem, states = self._stem_table()
        tables = [stem]
        for index in range(self._space.stages):
            table, states = self._stage_table(f"stages.{index}", states)
            tables.append(table)
        tables.append(self._head_table(states))
        return tables

    def _stem_table(self) -> tuple[_Table, list[State]]:
        rows: list[list[tuple[LayerCost, int]]] = []
        for network in self._space.local_options("network"):
            image = network.get("in_channels", 3)
            resolution = self._resolution or network.get("resolution", 224)
            stems = [Stem(**values) for values in self._space.local_options("stem")]
            rows.append(
                [(stem_cost(stem, image, resolution, self._style), stem.channels) for stem in stems]
            )
        return _table("stem", rows)

    def _stage_table(self, section: str, states: list[State]) -> tuple[_Table, list[State]]:
        stages = [Stage(**values) for values in self._space.local_options(section)]
        rows = [
            [(_stage_cost(stage, channels, size, self._style), stage.channels) for stage in stages]
            for channels, size in states
        ]
        return _table(section, rows)

    def _head_table(self, states: list[State]) -> _Table:
        classes = self._space.local_options("network")[0].get("classes", 1000)
        heads = [Head(**values) for values in self._space.local_options("head")]
        rows = [
            [(head_cost(channels, head, classes, size, self._style), 0) for head in heads]
            for channels, size in states
        ]
        return _table("head", rows)[0]


def _stage_cost(stage: Stage, in_channels: int, size: int, style: Style) -> LayerCost:
    macs = params = peak = 0
    for block in stage_blocks(stage, in_channels):
        layer = block_cost(block, size, style)
        macs, params = macs + layer.macs, params + layer.params
        peak, size = max(peak, layer.peak), layer.size
    return LayerCost(macs, params, peak, size)


def _table(section: str, rows: list[list[tuple[LayerCost, int]]]) -> tuple[_Table, list[State]]:
    """Arrays from rows of (cost, output channels), and the states that can follow."""
    next_state, states = numbered_states(
        [[(channels, layer.size) for layer, channels in row] for row in rows]
    )
    table = _Table(
        section,
        macs=np.array([[layer.macs for layer, _ in row] for row in rows], np.int64),
        params=np.array([[layer.params for layer, _ in row] for row in rows], np.int64),
        peak=np.array([[layer.peak for layer, _ in row] for row in rows], np.int64),
        next_state=next_state,
    )
    return table, states


def numbered_states(ends: Sequence[Sequence[State]]) -> tuple[NDArray[np.int64], list[State]]:
    """Each state's number among the different ones, and these in order."""
    states = sorted({end for line in ends for end in line})
    number = {state: place for place, state in enumerate(states)}
    return np.array([[number[end] for end in line] for line in ends], np.int64), states


def stem_states(space: SearchSpace) -> tuple[list[State], NDArray[np.int64]]:
    """States behind the stem, no halvings counted yet, and which one each of its options gives."""
    widths = [Stem(**option).channels for option in space.local_options("stem")]
    numbers, states = numbered_states([[(width, 0) for width in widths]])
    return states, numbers[0]

"""The latencies of many architectures at once: a table of layers as table look-ups.

As in `search_spaces.population`: what a stage adds depends on its own genes and on the state in
front of it (channels, size, and here the activation), and both are few.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effsearch.latency.layers import Layer, head_layer, stage_layers, stem_layer
from effsearch.search_spaces.activations import Activation
from effsearch.search_spaces.cost import stem_cost
from effsearch.search_spaces.parts import Head, Stage, Stem
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.search_spaces.style import Style, style_of

Floats = NDArray[np.float64]
_State = tuple[int, int, Activation, int]  # channels, pixels, activation, classes
_Row = list[tuple[float, _State]]
_END: _State = (0, 0, "relu", 0)  # one state behind every head


@dataclass(frozen=True)
class _Table:
    """Milliseconds and next states of one section, each (states, combinations)."""

    section: str
    ms: Floats
    next_state: NDArray[np.int64]


class PopulationLatency:
    """Latency of every architecture of a space, equal to the sum over its layers.

    Args:
        space: whose encodings are looked up.
        layer_ms: what a layer adds, such as `prediction.Predictor.layer_ms`.
        resolution: pixels, where it differs from the space's own.

    Raises:
        InputError: at the first use, where `layer_ms` lacks a layer of the space.
    """

    def __init__(
        self,
        space: SearchSpace,
        layer_ms: Callable[[Layer], float],
        resolution: int | None = None,
    ) -> None:
        self._space, self._layer_ms, self._resolution = space, layer_ms, resolution

    def __call__(self, encodings: Encodings) -> Floats:
        """From (candidates, genes) to milliseconds (candidates,)."""
        total = np.zeros(len(encodings))
        state = self._space.local_index("network", encodings)
        for table in self._tables:
            local = self._space.local_index(table.section, encodings)
            index = state * table.ms.shape[1] + local
            total += table.ms.ravel()[index]
            state = table.next_state.ravel()[index]
        return total

    @cached_property
    def range(self) -> tuple[float, float]:
        """Lowest and highest reachable latency of the whole space, exact."""
        return self._extreme(np.min), self._extreme(np.max)

    def _extreme(self, pick: Callable[..., Any]) -> float:
        """Dynamic programming from the last section back: best over what follows each state."""
        behind = np.zeros(1)
        for table in reversed(self._tables):
            behind = pick(table.ms + behind[table.next_state], axis=1)
        return float(pick(behind))

    @cached_property
    def _tables(self) -> list[_Table]:
        rows, states = _numbered([self._stem_row(net) for net in self._networks])
        tables = [_table("stem", rows)]
        for index in range(self._space.stages):
            section = f"stages.{index}"
            stages = [Stage(**values) for values in self._space.local_options(section)]
            rows, states = _numbered([self._stage_row(state, stages) for state in states])
            tables.append(_table(section, rows))
        heads = [Head(**values) for values in self._space.local_options("head")]
        rows, _ = _numbered([self._head_row(state, heads) for state in states])
        tables.append(_table("head", rows))
        return tables

    @property
    def _networks(self) -> list[dict[str, Any]]:
        return self._space.local_options("network")

    @cached_property
    def _style(self) -> Style:
        return style_of(self._networks[0])  # the same for all of a space

    def _stem_row(self, network: dict[str, Any]) -> _Row:
        image = network.get("in_channels", 3)
        side = self._resolution or network.get("resolution", 224)
        activation, classes = network.get("activation", "silu"), network.get("classes", 1000)
        row: _Row = []
        for values in self._space.local_options("stem"):
            stem = Stem(**values)
            ms = self._layer_ms(stem_layer(stem, image, activation, side, self._style))
            size = stem_cost(stem, image, side).size
            row.append((ms, (stem.channels, size, activation, classes)))
        return row

    def _stage_row(self, state: _State, stages: list[Stage]) -> _Row:
        channels, size, activation, classes = state
        row: _Row = []
        for stage in stages:
            layers, out = stage_layers(stage, channels, activation, size, self._style)
            ms = sum(self._layer_ms(layer) for layer in layers)
            row.append((ms, (stage.channels, out, activation, classes)))
        return row

    def _head_row(self, state: _State, heads: list[Head]) -> _Row:
        channels, size, activation, classes = state
        layers = (
            head_layer(channels, head, classes, activation, size, self._style) for head in heads
        )
        return [(self._layer_ms(layer), _END) for layer in layers]


def _numbered(rows: list[_Row]) -> tuple[list[list[tuple[float, int]]], list[_State]]:
    """Rows with their next states numbered, and those states."""
    states = sorted({state for row in rows for _, state in row})
    number = {state: index for index, state in enumerate(states)}
    return [[(ms, number[state]) for ms, state in row] for row in rows], states


def _table(section: str, rows: list[list[tuple[float, int]]]) -> _Table:
    return _Table(
        section,
        ms=np.array([[ms for ms, _ in row] for row in rows], np.float64),
        next_state=np.array([[state for _, state in row] for row in rows], np.int64),
    )

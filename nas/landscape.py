"""A synthetic accuracy for every network of a space: a yardstick for searches, not a prediction.

Closed form, made up, and the same on every machine. It has what makes real search spaces hard:
effects of each block, interactions of blocks that follow each other, returns that diminish, and
noise. No number here says anything about a real network.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from effsearch.nas.objective import Floats
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block, widest
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.parts import Stage
from effsearch.search_spaces.population import PopulationCost, State, numbered_states, stem_states
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.search_spaces.stage_blocks import stage_blocks

_UNIT = 1e9  # scores add up as whole billionths, so that equal networks are equal to the last bit
_CEILING = 4.0  # standard deviations a perfect block score comes to in the end
_REPEAT = -0.7  # of a block's own effect, where it repeats the block in front of it
_PAIR = 0.8
_REFERENCE_MACS, _REFERENCE_PARAMS = 4e8, 5e6

_Kind = tuple[str, int, int, bool, str]


@dataclass(frozen=True, kw_only=True)
class _Table:
    """One stage, each array (states, combinations of its genes); kinds are −1 without a block."""

    score: NDArray[np.int64]
    first_kind: NDArray[np.int64]
    first_effect: NDArray[np.int64]
    last_kind: NDArray[np.int64]
    next_state: NDArray[np.int64]


class SyntheticLandscape:
    """Accuracy = saturating term of log MACs and log parameters + saturating block score.

    The block score sums one effect a block (operation and expansion, kernel and squeeze-excite at
    its depth, shortcut, channels it adds) and one a pair of blocks in a row. It is computed from
    the resolved blocks, so two spellings of one network have one accuracy. Scaled so that networks
    of 400M MACs lie near 0.70 with a standard deviation near 0.02.

    Args:
        space: whose networks are scored.
        seed: another seed is another landscape.
        noise: standard deviation of one evaluation (0.0027: FACTS, a 16-epoch ImageNet proxy).

    Attributes:
        spread: accuracy that one standard deviation of the block score is worth.
    """

    spread: ClassVar[float] = 0.026

    def __init__(self, space: SearchSpace, seed: int = 0, noise: float = 0.0027) -> None:
        if not (np.isfinite(noise) and noise >= 0):
            raise InputError(f"noise must be zero or more, not {noise!r}")
        self.space = space
        self.seed = seed
        self.noise = noise
        self._costs = PopulationCost(space)
        self._kinds: dict[_Kind, int] = {}

    def accuracy(self, encodings: Encodings) -> Floats:
        """Noise-free accuracy of each row of (n, genes), as a fraction, (n,)."""
        mean, deviation = self._scale
        score = (self._score(encodings) - mean) / deviation
        shaped = np.where(score > 0, _CEILING * -np.expm1(-score / _CEILING), score)
        costs = self._costs(encodings)
        macs = np.log(costs["macs"] / _REFERENCE_MACS)
        params = np.log(costs["params"] / _REFERENCE_PARAMS)
        return np.clip(self._of_costs(macs, params) + self.spread * shaped, 0.001, 0.999)

    def _of_costs(self, macs: Floats, params: Floats) -> Floats:
        """Accuracy by the logarithms of MACs and parameters over those of the reference, (n,)."""
        return np.asarray(0.80 - 0.08 * np.exp(-0.5 * macs) - 0.02 * np.exp(-0.5 * params))

    def evaluate(self, architecture: Architecture, seed: int = 0) -> float:
        """One noisy measurement of a network of the space; the same for the same seed."""
        accuracy = float(self.accuracy(self.space.encode(architecture)[None])[0])
        return float(np.clip(accuracy + self.noise_of(architecture.id, seed), 0.0, 1.0))

    def noise_of(self, architecture_id: str, seed: int = 0) -> float:
        """What the noise of one evaluation adds, by the seed and the architecture's id."""
        return self.noise * _normal(self.seed, "noise", seed, architecture_id)

    def _score(self, encodings: Encodings) -> NDArray[np.int64]:
        """Block scores in billionths, (n,)."""
        pairs = self._pairs
        total = self._outer_score(encodings)
        state = self._stem_states[1][self.space.local_index("stem", encodings)]
        before = np.full(len(encodings), -1, dtype=np.int64)
        for index, table in enumerate(self._tables):
            row, column = state, self.space.local_index(f"stages.{index}", encodings)
            first = table.first_kind[row, column]
            repeats = (first == before) & (first >= 0)
            total += table.score[row, column] + pairs[before, first]
            total += np.where(repeats, table.first_effect[row, column], 0)
            before = np.where(first >= 0, table.last_kind[row, column], before)
            state = table.next_state[row, column]
        return total

    def _outer_score(self, encodings: Encodings) -> NDArray[np.int64]:
        """Effects of what is not a stage: activation, resolution, stem and head."""
        total = np.zeros(len(encodings), dtype=np.int64)
        for section in ("network", "stem", "head"):
            options = self.space.local_options(section)
            effects = [
                sum(0.5 * self._draw(section, k, v) for k, v in sorted(option.items()))
                for option in options
            ]
            total += _whole(np.array(effects))[self.space.local_index(section, encodings)]
        return total

    @cached_property
    def _scale(self) -> tuple[float, float]:
        rows = self.space.sample(np.random.default_rng([self.seed, 1]), 4096)
        scores = self._score(rows)
        return float(scores.mean()), float(scores.std()) or 1.0

    @cached_property
    def _pairs(self) -> NDArray[np.int64]:
        """Interaction of two kinds in a row, (kinds + 1, kinds + 1); the last is none."""
        _ = self._tables  # meets every kind
        pairs = np.zeros((len(self._kinds) + 1, len(self._kinds) + 1), dtype=np.int64)
        for a, i in self._kinds.items():
            for b, j in self._kinds.items():
                pairs[i, j] = self._pair(a, b)
        return pairs

    @cached_property
    def _stem_states(self) -> tuple[list[State], NDArray[np.int64]]:
        return stem_states(self.space)

    @cached_property
    def _tables(self) -> list[_Table]:
        states = self._stem_states[0]
        tables = []
        for index in range(self.space.stages):
            table, states = self._table(f"stages.{index}", states)
            tables.append(table)
        return tables

    def _table(self, section: str, states: list[State]) -> tuple[_Table, list[State]]:
        stages = [Stage(**values) for values in self.space.local_options(section)]
        rows: list[list[tuple[int, int, int, int]]] = []
        ends: list[list[State]] = []
        for channels, halvings in states:
            rows.append([self._stage(stage, channels, halvings) for stage in stages])
            ends.append([(s.channels, halvings + _halvings(s.stride)) for s in stages])
        next_state, after = numbered_states(ends)
        values = np.array(rows, dtype=np.int64).reshape(len(states), len(stages), 4)
        table = _Table(
            score=values[..., 0],
            first_kind=values[..., 1],
            first_effect=values[..., 2],
            last_kind=values[..., 3],
            next_state=next_state,
        )
        return table, after

    def _stage(self, stage: Stage, channels: int, halvings: int) -> tuple[int, int, int, int]:
        """Score, first kind, what a repeated first block takes back, last kind."""
        blocks = stage_blocks(stage, channels)
        if not blocks:
            return 0, -1, 0, -1
        kinds = [self._kind(block) for block in blocks]
        effects = []
        for block in blocks:
            halvings += _halvings(block.stride)
            effects.append(self._effect(block, halvings))
        taken = [round(_REPEAT * effect) for effect in effects]
        score = sum(effects)
        for place in range(1, len(blocks)):
            score += self._pair(kinds[place - 1], kinds[place])
            score += taken[place] if kinds[place] == kinds[place - 1] else 0
        numbers = [self._kinds.setdefault(kind, len(self._kinds)) for kind in kinds]
        return score, numbers[0], taken[0], numbers[-1]

    def _kind(self, block: Block) -> _Kind:
        expand = round(block.mid_channels / block.in_channels)
        return (block.op, expand, widest(block.kernel), block.se_channels > 0, block.shortcut)

    def _effect(self, block: Block, halvings: int) -> int:
        """Main effect in billionths: a plausible direction and a draw of the landscape's own."""
        op, expand, kernel, se, shortcut = self._kind(block)
        growth = np.log2(block.out_channels / block.in_channels)
        effect = 0.3 * np.log2(1 + expand) + 0.4 * se + 0.5 * (shortcut != "none")
        effect += 0.6 * self._draw("op", op, expand) + 0.3 * self._draw("op", op, expand, halvings)
        effect += 0.5 * self._draw("kernel", kernel, halvings) + 0.3 * self._draw(
            "se", se, halvings
        )
        effect += 0.3 * self._draw("shortcut", shortcut, halvings)
        effect += growth * (0.3 + 0.5 * self._draw("growth", halvings))
        return round(float(effect) * _UNIT)

    def _pair(self, before: _Kind, after: _Kind) -> int:
        if before == after:
            return 0
        return round(_PAIR * self._draw("pair", before, after) * _UNIT)

    def _draw(self, *what: object) -> float:
        name = repr(what)
        if name not in self._drawn:
            self._drawn[name] = _normal(self.seed, name)
        return self._drawn[name]

    @cached_property
    def _drawn(self) -> dict[str, float]:
        return {}


def _halvings(stride: int) -> int:
    return int(np.log2(stride))


def _whole(values: Floats) -> NDArray[np.int64]:
    return np.rint(values * _UNIT).astype(np.int64)


def _normal(*key: object) -> float:
    """A standard normal number that the key alone decides."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return float(np.random.default_rng(int.from_bytes(digest[:16], "big")).standard_normal())

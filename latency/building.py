"""Builds a latency table: every layer of a space alone, then whole networks to correct by.

Layers are measured in groups of about a network's size, in random order and in several passes
over the whole space, so that a busy minute of the machine does not fall on one kind of layer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from effsearch.latency.base_meter import DeviceMeter, Meter, Setting
from effsearch.latency.layers import Layer, layer_program, layers_of_space
from effsearch.latency.program import Program, network_program
from effsearch.latency.table import LatencyTable, Measured, TableWriter, read_begun_table
from effsearch.latency.timing import Timing, sample_in_turn
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space import SearchSpace

Progress = Callable[[str, int, int], None]
"""Told after each group: what is measured, how many are done, how many there are."""


@dataclass(frozen=True)
class BuildOptions:
    """How thoroughly to measure.

    Attributes:
        passes: times each layer and network is measured; the fastest counts.
        rounds: timed runs in a pass.
        networks: random networks of the space measured whole, for the correction and its check.
        seed: of the networks and of the order.
    """

    passes: int = 2
    rounds: int = 8
    networks: int = 60
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("passes", 1), ("rounds", 1), ("networks", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} must be at least {least}, not {getattr(self, name)}")


Item = TypeVar("Item", Layer, Architecture)

_GROUP = 24  # layers: about as many as a network has, so that as much passes through the caches
_NETWORKS = 20  # loaded at a time
_FEWEST = 6  # where there are no layers to add up


def build_table(
    path: Path,
    space: SearchSpace,
    meter: DeviceMeter,
    options: BuildOptions | None = None,
    on_progress: Progress = lambda what, done, total: None,
) -> LatencyTable:
    """Measure what the table at `path` lacks for a space, and read it.

    Args:
        path: of the CSV; what it holds already is kept and not measured again.
        space: whose layers are wanted.
        meter: on which device.
        options: how thoroughly.
        on_progress: told of it.

    Raises:
        InputError: the file is not a table, or one of another setting.
        EffsearchError: it cannot be written.
    """
    chosen = options or BuildOptions()
    networks = random_networks(space, chosen)
    return measure_into(path, layers_of_space(space), networks, meter, chosen, on_progress)


def build_from_networks(
    path: Path,
    space: SearchSpace,
    meter: Meter,
    options: BuildOptions | None = None,
    on_progress: Progress = lambda what, done, total: None,
) -> LatencyTable:
    """As `build_table` for a meter that takes one whole network at a time, such as a command.

    The table then holds no layers: `prediction.Predictor` describes it by a regression.

    Raises:
        InputError: too few networks, or as `build_table`.
        EffsearchError: a measurement failed; those before it are kept.
    """
    chosen = options or BuildOptions()
    if chosen.networks < _FEWEST:
        raise InputError(
            f"a command measures whole networks: at least {_FEWEST}, not {chosen.networks}"
        )
    networks = random_networks(space, chosen)
    with _Record(path, meter.setting) as record:
        for turn in range(chosen.passes):
            waiting = _Waiting(networks, record.table.networks, chosen, turn, on_progress)
            for whole in waiting.groups(1):
                record.networks(whole, [meter.timing(network_program(one)) for one in whole])
    return record.table


def random_networks(space: SearchSpace, options: BuildOptions) -> list[Architecture]:
    """The different networks that a build measures whole."""
    # Twice as many, for some may be the same network.
    rows = space.sample(np.random.default_rng(options.seed), 2 * options.networks)
    return list(dict.fromkeys(space.decode(row) for row in rows))[: options.networks]


def measure_into(
    path: Path,
    layers: Sequence[Layer],
    networks: Sequence[Architecture],
    meter: DeviceMeter,
    options: BuildOptions,
    on_progress: Progress = lambda what, done, total: None,
) -> LatencyTable:
    """As `build_table`, for layers and networks that are given one by one."""

    def time_in_turn(programs: Sequence[Program]) -> list[Timing]:
        return sample_in_turn([meter.prepare(program) for program in programs], options.rounds)

    with _Record(path, meter.setting) as record:
        for turn in range(options.passes):
            missing = _Waiting(layers, record.table.layers, options, turn, on_progress)
            for group in missing.groups(_GROUP):
                record.layers(group, time_in_turn([layer_program(layer) for layer in group]))
        for turn in range(options.passes):
            waiting = _Waiting(networks, record.table.networks, options, turn, on_progress)
            for whole in waiting.groups(_NETWORKS):
                record.networks(whole, time_in_turn([network_program(one) for one in whole]))
    return record.table


class _Record:
    """A table and its file, which grow together."""

    def __init__(self, path: Path, setting: Setting) -> None:
        self.table = read_begun_table(path, setting)
        self._writer = TableWriter(path, setting)

    def __enter__(self) -> "_Record":
        return self

    def __exit__(self, *problem: object) -> None:
        self._writer.close()

    def layers(self, layers: Sequence[Layer], timings: Sequence[Timing]) -> None:
        self._writer.write(layers=zip(layers, timings, strict=True))
        for layer, timing in zip(layers, timings, strict=True):
            self.table.add_layer(layer, timing.low_ms, timing.median_ms)

    def networks(self, networks: Sequence[Architecture], timings: Sequence[Timing]) -> None:
        self._writer.write(networks=zip(networks, timings, strict=True))
        for network, timing in zip(networks, timings, strict=True):
            self.table.add_network(network, timing.low_ms, timing.median_ms)


class _Waiting(Generic[Item]):
    """What a pass has not measured yet, in random order."""

    def __init__(
        self,
        wanted: Sequence[Item],
        measured: Mapping[Item, Measured],
        options: BuildOptions,
        turn: int,
        on_progress: Progress,
    ) -> None:
        lacking = [one for one in wanted if one not in measured or measured[one].passes <= turn]
        rng = np.random.default_rng((options.seed, turn))
        self._order = [lacking[place] for place in rng.permutation(len(lacking))]
        self._total, self._on_progress = len(wanted), on_progress
        kind = "layers" if wanted and isinstance(wanted[0], Layer) else "networks"
        self._name = f"{kind}, pass {turn + 1} of {options.passes}"

    def groups(self, size: int) -> Iterator[Sequence[Item]]:
        """Groups of a size; when the next is asked for, the one before counts as done."""
        done = self._total - len(self._order)
        for start in range(0, len(self._order), size):
            group = self._order[start : start + size]
            yield group
            done += len(group)
            self._on_progress(self._name, done, self._total)

"""The choices a search made, read from its networks: no space file is needed to draw them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from effsearch.results.stages import operator_name
from effsearch.results.store.run_data import RunData
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import widest
from effsearch.search_spaces.parts import Stage

FIELDS = ("operation", "kernel", "SE ratio", "skip", "channels", "layers")
"""What can be chosen in a stage."""


@dataclass(frozen=True)
class Choice:
    """One thing that varied.

    Attributes:
        stage: counted from 1; 0 for the whole network.
        field: one of `FIELDS`, or `activation`, `resolution`, `stem`, `head`.
        options: in rising or alphabetic order, at least two.
        picks: for each trial the index of its option.
    """

    stage: int
    field: str
    options: tuple[str, ...]
    picks: tuple[int, ...]

    @property
    def name(self) -> str:
        """Such as `stage 3 kernel`."""
        return f"stage {self.stage} {self.field}" if self.stage else self.field


@dataclass(frozen=True)
class Choices:
    """What varied over the trials that have as many stages as most of them do."""

    trials: tuple[Trial, ...]
    varied: tuple[Choice, ...]
    stages: int

    @property
    def by_trial(self) -> dict[int, dict[str, str]]:
        """What each network chose of what varied, by number of its trial."""
        return {
            trial.number: {one.name: one.options[one.picks[place]] for one in self.varied}
            for place, trial in enumerate(self.trials)
        }


@lru_cache(maxsize=8)
def read_choices(data: RunData) -> Choices:
    """All choices of a run's trials, in the order they were asked; unreadable ones are left out."""
    pairs = [
        (trial, network)
        for trial, network in zip(data.trials, data.networks, strict=True)
        if network is not None
    ]
    if not pairs:
        return Choices((), (), 0)
    counts = [len(network.stages) for _, network in pairs]
    stages = max(set(counts), key=counts.count)
    kept = [(trial, network) for trial, network in pairs if len(network.stages) == stages]
    rows = [_values(network) for _, network in kept]
    varied = []
    for place, (stage, field) in enumerate(_names(stages)):
        values = [row[place] for row in rows]
        options = sorted(set(values), key=lambda value: (isinstance(value, str), value))
        if len(options) > 1:
            index = {value: number for number, value in enumerate(options)}
            picks = tuple(index[value] for value in values)
            varied.append(Choice(stage, field, tuple(map(_label, options)), picks))
    return Choices(tuple(trial for trial, _ in kept), tuple(varied), stages)


def _names(stages: int) -> list[tuple[int, str]]:
    names = [(0, "resolution"), (0, "activation"), (0, "stem"), (0, "head")]
    return names + [(stage, field) for stage in range(1, stages + 1) for field in FIELDS]


def _values(network: Architecture) -> list[str | float]:
    values: list[str | float] = [
        network.resolution,
        network.activation,
        network.stem.channels,
        network.head.channels,
    ]
    for stage in network.stages:
        values += _stage_values(stage)
    return values


@lru_cache(maxsize=65536)
def _stage_values(stage: Stage) -> Sequence[str | float]:
    return (
        operator_name(stage),
        widest(stage.kernel),
        stage.se,
        stage.skip,
        stage.channels,
        stage.layers,
    )


def _label(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"

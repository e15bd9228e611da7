"""The configuration of `effsearch bench`."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, get_args

from effsearch.nas.evaluators.coverage import TableMissing
from effsearch.nas.objective import Objective, Target
from effsearch.nas.strategies.registry import STRATEGIES
from effsearch.search_spaces.errors import InputError, unknown_name

MARKS = (25, 50, 100, 200, 400, 800, 1600, 3200)
"""Evaluations at which searches are compared, as far as they go; the last one is always shown."""


@dataclass(frozen=True, kw_only=True)
class BenchConfig:
    """What a comparison is told.

    Attributes:
        strategies: names, each once.
        seeds: searches of each strategy, with the run's seed and those after it; at least 2.
        seed: the first one.
        samples: evaluations of each search.
        batch_size: networks asked together; None for each strategy's own.
        space: shipped space or YAML file.
        evaluator: `synthetic`, `synthetic:3` for another landscape, or `TABLE.csv`.
        noise: standard deviation of one evaluation; for a table on top of what lies between its
            rows of one network. None for the landscape's own, and none for a table.
        table_missing: what becomes of networks that a table lacks: evaluations that fail, or the
            nearest network's value.
        objective: what is compared.
        workers: searches at a time.

    Raises:
        InputError: a value out of range.
    """

    strategies: tuple[str, ...]
    seeds: int = 10
    seed: int = 0
    samples: int = 200
    batch_size: int | None = None
    space: str = "mnasnet"
    evaluator: str = "synthetic"
    noise: float | None = None
    table_missing: TableMissing = "fail"
    objective: Objective = field(default_factory=Objective)
    workers: int = 1

    def __post_init__(self) -> None:
        for name in self.strategies:
            if name not in STRATEGIES:
                raise unknown_name("strategy", name, [*STRATEGIES, "all"])
        if len(set(self.strategies)) < len(self.strategies) or not self.strategies:
            raise InputError("strategies must be one or more different names")
        for name, lowest in (("seeds", 2), ("seed", 0), ("samples", 1), ("workers", 1)):
            _at_least(name, getattr(self, name), lowest)
        if self.batch_size is not None:
            _at_least("batch_size", self.batch_size, 1)
        if self.noise is not None and not 0 <= self.noise < float("inf"):
            raise InputError(f"noise must be zero or more, such as 0.003, not {self.noise!r}")
        if self.table_missing not in get_args(TableMissing):
            raise unknown_name("table_missing", self.table_missing, get_args(TableMissing))

    @property
    def marks(self) -> tuple[int, ...]:
        """Evaluations after which the searches are compared."""
        return (*(mark for mark in MARKS if mark < self.samples), self.samples)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` takes back."""
        document = {item.name: getattr(self, item.name) for item in fields(self)}
        targets = [asdict(target) for target in self.objective.targets]
        for target in targets:
            target["high"] = None if target["high"] == math.inf else target["high"]
        return document | {"objective": targets}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "BenchConfig":
        """The configuration of a run that is resumed.

        Raises:
            InputError: it is of another version.
        """
        try:
            targets = tuple(
                Target(**target | {"high": math.inf if target["high"] is None else target["high"]})
                for target in document["objective"]
            )
            values = {**document, "strategies": tuple(document["strategies"])}
            return cls(**values | {"objective": Objective(targets)})
        except (KeyError, TypeError):
            raise InputError(
                "the comparison was started by another version: start a new one"
            ) from None


def strategies_of(text: str) -> tuple[str, ...]:
    """Names from `bayesian,evolution`, or of all strategies from `all`."""
    if text == "all":
        return tuple(STRATEGIES)
    return tuple(name.strip().replace("-", "_") for name in text.split(",") if name.strip())


def _at_least(name: str, value: int, lowest: int) -> None:
    if value < lowest:
        raise InputError(f"{name} must be at least {lowest}, not {value}")

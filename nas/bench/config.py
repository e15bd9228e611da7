"""The configuration of `effsearch bench`."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from effsearch.nas.options import Missing, ObjectiveOptions, Space
from effsearch.nas.strategies.registry import STRATEGIES, strategy_names
from effsearch.results.config import Form, Option, Settings
from effsearch.search_spaces.errors import InputError, unknown_name

if TYPE_CHECKING:
    from effsearch.nas.objective import Objective

MARKS = (25, 50, 100, 200, 400, 800, 1600, 3200)
"""Evaluations at which searches are compared, as far as they go; the last one is always shown."""

_SEARCHES, _BENCHMARK = "Searches", "Benchmark"


def strategies_of(_: str, value: Any) -> Any:
    """Names from `bayesian,evolution`, or of all strategies from `all`."""
    if value == "all":
        return tuple(STRATEGIES)
    if isinstance(value, str):
        return tuple(name.strip().replace("-", "_") for name in value.split(",") if name.strip())
    return tuple(value) if isinstance(value, list) else value


def _no_objective() -> "Objective":
    from effsearch.nas.objective import Objective

    return Objective()


@dataclass(frozen=True, kw_only=True)
class BenchObjective(ObjectiveOptions):
    """What is compared."""

    weight: Annotated[
        float | None, Option("w of the objective, at most 0.", "Objective", "the objective's own")
    ] = None


@dataclass(frozen=True, kw_only=True)
class BenchConfig(Settings):
    """What a comparison is told; `effsearch bench --help` says what each option is."""

    MAIN = ("strategies", "seeds", "samples", "space", "evaluator")

    strategies: Annotated[
        tuple[str, ...],
        Option(
            "Strategies such as bayesian,evolution,random, or all.",
            _SEARCHES,
            "all",
            Form("A,B,…", strategies_of),
            names=lambda: (*STRATEGIES, "all"),
        ),
    ] = tuple(STRATEGIES)
    seeds: Annotated[int, Option("Searches of each strategy.", _SEARCHES, at_least=2)] = 10
    seed: Annotated[
        int, Option("Random seed of the first search; the others follow.", _SEARCHES, at_least=0)
    ] = 0
    samples: Annotated[
        int, Option("Evaluations per search.", _SEARCHES, flags=("--samples", "-n"))
    ] = 200
    batch_size: Annotated[
        int | None, Option("Networks proposed per batch.", _SEARCHES, "each strategy's own")
    ] = None
    space: Space = "mnasnet"
    evaluator: Annotated[
        str,
        Option(
            "synthetic: a made-up landscape (synthetic:3 for another one), TABLE.csv of measured "
            "networks, package.module:function, or file.py:function.",
            _BENCHMARK,
            names=lambda: ("synthetic",),
        ),
    ] = "synthetic"
    noise: Annotated[
        float | None,
        Option(
            "Standard deviation of one evaluation.",
            _BENCHMARK,
            "synthetic: 0.0027; table or function: 0, on top of their own",
            at_least=0,
            example="0.003",
        ),
    ] = None
    table_missing: Missing = "fail"
    objective: Annotated[
        Any, Option("What is compared, made of the targets.", _BENCHMARK, on_line=False)
    ] = field(default_factory=_no_objective)
    workers: Annotated[int, Option("Searches at a time.", _SEARCHES, may_change=True)] = 1

    def check(self) -> None:
        """Raise an InputError where a strategy is none or comes twice."""
        for name in self.strategies:
            if name not in STRATEGIES and name not in strategy_names():
                raise unknown_name("strategy", name, [*strategy_names(), "all"])
        if len(set(self.strategies)) < len(self.strategies) or not self.strategies:
            raise InputError("strategies must be one or more different names")

    @property
    def marks(self) -> tuple[int, ...]:
        """Evaluations after which the searches are compared."""
        return (*(mark for mark in MARKS if mark < self.samples), self.samples)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` takes back."""
        targets = [asdict(target) for target in self.objective.targets]
        for target in targets:
            target["high"] = None if target["high"] == math.inf else target["high"]
        return super().to_dict() | {"objective": targets}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "BenchConfig":
        """The configuration of a run that is resumed.

        Raises:
            InputError: it is of another version.
        """
        from effsearch.nas.objective import Objective, Target

        try:
            targets = tuple(
                Target(**target | {"high": math.inf if target["high"] is None else target["high"]})
                for target in document["objective"]
            )
            return cls(**{**document, "objective": Objective(targets)})
        except (KeyError, TypeError):
            raise InputError(
                "the comparison was started by another version: start a new one"
            ) from None

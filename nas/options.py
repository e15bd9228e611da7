"""Options of an objective, which a search and a comparison of strategies share."""

import inspect
import os
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from effsearch.results.config import BYTES, COUNT, Given, Objects, Option, Settings, name_of
from effsearch.results.networks import SPACE
from effsearch.search_spaces.errors import InputError

GROUP = "Objective"

ObjectiveKind = Literal["hard", "soft", "absolute"]
TableMissing = Literal["fail", "nearest"]
"""What becomes of networks that a table lacks: failed evaluations, or the nearest one's values."""

Missing = Annotated[
    TableMissing,
    Option(
        "Networks that a table lacks: failed trials, or the values of the nearest one.",
        "Evaluation",
    ),
]

ZERO_COST, SUPERNET = "zero-cost", "supernet"


def only_estimates(text: str) -> bool:
    """Whether an evaluator trains no candidate, so that an answer needs finalists' trainings."""
    return text.partition(":")[0] in (ZERO_COST, SUPERNET)


def trains_finalists(text: str) -> bool:
    """Whether finalists of a search with this evaluator are trained."""
    return text == "proxy" or only_estimates(text)


def take_evaluator(name: str, value: Any) -> str:
    """An evaluator that is no text: a path, or a function.

    Raises:
        InputError: it is neither.
    """
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    if not callable(value):
        raise InputError(f"{name} must be text or a function, not {value!r}")
    if inspect.isclass(value):
        raise InputError(f"{name} must be a function, not the class {name_of(value)}: make one")
    return Given.of(name_of(value), value)


def take_objective(name: str, value: Any) -> str:
    """An objective that is no text: an `Objective`, or a function of accuracy and costs.

    Raises:
        InputError: it is neither.
    """
    if hasattr(value, "targets") and hasattr(value, "reward"):
        parts = [f"{one.kind} {one.metric} {one.limit:g}" for one in value.targets]
        return Given.of(", ".join(parts) or "accuracy alone", value)
    if not callable(value) or inspect.isclass(value):
        raise InputError(
            f"{name} must be text, an Objective, or a function of accuracy and costs, not {value!r}"
        )
    return Given.of(name_of(value), value)


EVALUATOR = Objects(take_evaluator, "Callable[..., Any]")
OBJECTIVE = Objects(take_objective, "Objective | RewardFunction")


def space_names() -> list[str]:
    """Shipped spaces, for the shell."""
    from effsearch.search_spaces.space_file import shipped_spaces  # imports numpy

    return shipped_spaces()


Space = Annotated[
    str | dict[str, Any],
    Option(
        "Shipped space (effsearch spaces ls lists them) or YAML file.",
        "Search",
        is_path=True,
        names=space_names,
        objects=SPACE,
    ),
]


@dataclass(frozen=True, kw_only=True)
class ObjectiveOptions(Settings):
    """Wanted costs, and how the reward weighs accuracy against them."""

    target_flops: Annotated[
        float | None,
        Option(
            "Wanted multiply-adds (conv and linear), such as 400M, 0.39G or 4e8.",
            GROUP,
            form=COUNT,
        ),
    ] = None
    target_params: Annotated[
        float | None, Option("Wanted parameters, such as 5.3M.", GROUP, form=COUNT)
    ] = None
    target_memory: Annotated[
        float | None,
        Option("Wanted peak activation memory at batch 1, such as 8MB.", GROUP, form=BYTES),
    ] = None
    objective: Annotated[
        ObjectiveKind,
        Option(
            "hard: accuracy, cut by (cost/target)^-1 above the target. soft: accuracy * "
            "(cost/target)^w everywhere, w = -0.07; the target does not move its optimum. "
            "absolute: accuracy + w*|cost/target - 1|.",
            GROUP,
            objects=OBJECTIVE,
        ),
    ] = "hard"
    weight: Annotated[
        float | Literal["auto"] | None,
        Option(
            "w of the objective, at most 0; auto: what an earlier soft search worked out to put "
            "the optimum at the target.",
            GROUP,
            "the objective's own",
        ),
    ] = None
    cost_tolerance: Annotated[
        float | None,
        Option("Fraction over a target still evaluated.", GROUP, "0; soft: no bound"),
    ] = None
    cost_band: Annotated[
        float | None,
        Option(
            "Fraction under the first target still evaluated, 1 for no bound.",
            GROUP,
            "0.1; no bound with soft, or where a front is wanted",
        ),
    ] = None

    @property
    def targets(self) -> dict[str, float]:
        """Wanted costs by metric, the first one first."""
        given = self.given_objective
        if given is not None and hasattr(given, "targets"):
            return {target.metric: target.limit for target in given.targets}
        # Whole counts are written without a fraction wherever they are shown.
        return {
            metric: int(value) if float(value).is_integer() else value
            for metric, value in self.wanted.items()
            if value is not None
        }

    @property
    def wanted(self) -> dict[str, float | None]:
        """The targets as they were given, None for those that were not."""
        return {
            "macs": self.target_flops,
            "params": self.target_params,
            "memory_bytes": self.target_memory,
        }

    @property
    def given_objective(self) -> Any | None:
        """The `Objective` or function that was given from Python; None for none."""
        return self.objective.value if isinstance(self.objective, Given) else None

    def check_objective(self) -> None:
        """Raise an InputError where an `Objective` was given beside what would make another."""
        if not hasattr(self.given_objective, "targets"):
            return
        names = ["weight", "cost_tolerance", "cost_band", "target_flops", "target_params"]
        names += ["target_memory", "target_latency"]
        also = [name for name in names if getattr(self, name, None) is not None]
        if also:
            raise InputError(
                f"an Objective holds its own targets, and {', '.join(also)} was given besides: "
                "leave one of them out"
            )

    @property
    def wants_front(self) -> bool:
        """Whether all trade-offs are wanted, and not the best network near the target alone."""
        return False

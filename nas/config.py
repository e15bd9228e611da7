"""The configuration of `effsearch baseline`: groups of options, in one frozen dataclass."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from effsearch.latency.options import GROUP as LATENCY_GROUP
from effsearch.latency.options import LatencyOptions
from effsearch.nas.options import (
    EVALUATOR,
    GROUP,
    Missing,
    ObjectiveKind,
    ObjectiveOptions,
    Space,
    only_estimates,
)
from effsearch.nas.strategies.registry import STRATEGIES, STRATEGY, strategy_names, wants_front
from effsearch.results.config import (
    MACHINE,
    MILLISECONDS,
    NAMES,
    NUMBERS,
    Option,
    Settings,
)
from effsearch.results.networks import REFERENCES, RUNS
from effsearch.results.store.newest import FULL_SEARCH
from effsearch.search_spaces.errors import InputError
from effsearch.training.trials.options import (
    BudgetOptions,
    ClusterOptions,
    ProxyOptions,
    Pruning,
    Seed,
)

ESTIMATED_FINALISTS = 5
"""Finalists of a search that trains nothing itself: its answer would rest on estimates alone."""

_SEARCH, _EVALUATION, _FINALISTS = "Search", "Evaluation", "Finalists"


@dataclass(frozen=True, kw_only=True)
class _LatencyTarget(Settings):
    """A wanted latency: predicted by a table, measured on what the table was measured on."""

    target_latency: Annotated[
        float | None,
        Option(
            "Wanted latency, such as 8ms: predicted by a table of effsearch lut build, and "
            "measured on winners before they are reported.",
            LATENCY_GROUP,
            form=MILLISECONDS,
        ),
    ] = None
    latency_table: Annotated[
        str | None,
        Option(
            "CSV of effsearch lut build; its backend, number format, threads and batch are then a "
            "measurement's defaults.",
            LATENCY_GROUP,
            "lut/SPACE-BACKEND-DEVICE-bBATCH.csv, lut/SPACE-command-bBATCH.csv",
            metavar="FILE",
            is_path=True,
        ),
    ] = None
    latency_measure: Annotated[
        Literal["winner", "each"],
        Option(
            "winner: measurement of the best network before it is reported. each: of every network "
            "before it is trained, for its reward.",
            LATENCY_GROUP,
        ),
    ] = "winner"


@dataclass(frozen=True, kw_only=True)
class LatencyTargetOptions(LatencyOptions, _LatencyTarget):
    """A wanted latency, and on what it is measured."""


@dataclass(frozen=True, kw_only=True)
class StrategyOptions(Settings):
    """What is searched, and by which strategy."""

    space: Space = "mnasnet"
    strategy: Annotated[
        str,
        Option(
            f"Search strategy: {', '.join(sorted(STRATEGIES))}.",
            _SEARCH,
            names=strategy_names,
            objects=STRATEGY,
        ),
    ] = "bayesian"
    strategy_options: Annotated[
        dict[str, Any], Option("Options of the strategy.", _SEARCH, on_line=False)
    ] = field(default_factory=dict)

    @property
    def wants_front(self) -> bool:
        """Whether the strategy searches a front of accuracy and cost."""
        return wants_front(self.strategy)


@dataclass(frozen=True, kw_only=True)
class SearchOptions(StrategyOptions):
    """What is searched, how, and for how long."""

    samples: Annotated[
        int,
        Option("Networks to evaluate.", _SEARCH, flags=("--samples", "-n"), may_change=True),
    ] = FULL_SEARCH
    warm_start: Annotated[
        tuple[str, ...],
        Option(
            "Earlier run, or CSV of measured networks, that the model learns from too; may be "
            "repeated.",
            _SEARCH,
            form=NAMES,
            metavar="RUN|CSV",
            objects=RUNS,
        ),
    ] = ()
    start: Annotated[
        str | None,
        Option(
            "Networks to evaluate first, separated by commas: zoo names, JSON files, notations, or "
            "a CSV (its best ten).",
            _SEARCH,
            "none",
            metavar="NETWORKS",
            objects=REFERENCES,
        ),
    ] = None
    # Part of what is searched: results are told batch by batch, whatever the number of workers.
    batch_size: Annotated[
        int | None, Option("Networks proposed per batch.", _SEARCH, "the strategy's own")
    ] = None
    seed: Seed = 0


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions(Settings):
    """Where accuracies come from."""

    evaluator: Annotated[
        str,
        Option(
            "Source of accuracies: proxy (short trainings), supernet or supernet:FILE (one network "
            "that all are cut from), zero-cost or zero-cost:zen,macs (scores without training), "
            "TABLE.csv, package.module:function or file.py:function.",
            _EVALUATION,
            names=lambda: ("proxy", "supernet", "zero-cost"),
            is_path=True,
            objects=EVALUATOR,
        ),
    ] = "proxy"
    table_missing: Missing = "fail"
    supernet_recipe: Annotated[
        str | None,
        Option(
            "Training of the supernet: blockwise, single_path, fair, sandwich or a YAML file.",
            _EVALUATION,
            "blockwise; single_path where strides are a choice",
            is_path=True,
        ),
    ] = None
    supernet_epochs: Annotated[
        int | None, Option("Epochs of the supernet's training.", _EVALUATION, "the recipe's")
    ] = None


@dataclass(frozen=True, kw_only=True)
class FinalistOptions(Settings):
    """Longer trainings of the best networks before the answer."""

    finalists: Annotated[
        int,
        Option(
            "Best networks that are trained again, longer, before the answer; 0 means "
            f"{ESTIMATED_FINALISTS} where the evaluator trains nothing. Where the strategy seeks a "
            "front, any number means the whole front.",
            _FINALISTS,
            at_least=0,
            may_change=True,
        ),
    ] = 0
    finalist_seeds: Annotated[
        int,
        Option("Trainings of each finalist; two give an interval.", _FINALISTS, may_change=True),
    ] = 3
    finalist_epochs: Annotated[
        int | None, Option("Epochs per finalist's training.", _FINALISTS, "3 times the search's")
    ] = None
    reference: Annotated[
        str | None,
        Option(
            "Published networks trained like the finalists, to compare the answer with: zoo names, "
            "JSON files or notations separated by commas, or none.",
            _FINALISTS,
            "efficientnet-b0 where finalists are trained",
            metavar="NETWORKS",
            may_change=True,
            objects=REFERENCES,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class BaselineConfig(
    BudgetOptions,
    ClusterOptions,
    FinalistOptions,
    ProxyOptions,
    EvaluationOptions,
    SearchOptions,
    LatencyTargetOptions,
    ObjectiveOptions,
):
    """What a baseline search is told; `effsearch baseline --help` says what each option is."""

    MAIN = ("target_flops", "data", "space", "samples", "strategy")

    memory_batch: Annotated[
        int | None,
        Option(
            "Batch size that --target-memory refers to; the weights then count too.",
            GROUP,
            "activations of one image",
        ),
    ] = None
    no_target: Annotated[
        bool, Option("Search without a target: the best accuracy, whatever it costs.", GROUP)
    ] = False
    pruning: Pruning = "none"
    fidelities: Annotated[
        tuple[float, ...] | None,
        Option(
            "Epochs that a network may be trained for, such as 2,8: the largest is a whole "
            "training, and bayesian learns how well the shorter ones predict it. --samples counts "
            "whole trainings, and a shorter one as its share.",
            _EVALUATION,
            "whole trainings only",
            NUMBERS,
            example="2,8",
        ),
    ] = None
    per_trial: Annotated[
        int | None,
        Option("Networks in one Ray Tune trial.", MACHINE, "1; more where cheap", may_change=True),
    ] = None

    def check(self) -> None:
        """Raise an InputError where options do not go together."""
        if self.reference not in (None, "none") and not self.finalist_count:
            raise InputError(
                "a reference is trained as the finalists are, and there are none: give --finalists"
            )
        if self.pruning != "none" and self.evaluator != "proxy":
            raise InputError(
                "pruning needs the evaluator proxy: others have no epochs to stop after"
            )
        if self.pruning != "none" and self.wants_front:
            raise InputError(
                f"pruning goes by one reward, and {self.strategy} wants a front: leave one of "
                "them out"
            )
        self._check_fidelities()
        self.check_objective()
        if self.weight == "auto" and (self.objective != "soft" or len(self.targets) != 1):
            raise InputError("weight auto belongs to a soft objective with one target")

    def _check_fidelities(self) -> None:
        if self.fidelities is None:
            return
        given = sorted(set(self.fidelities))
        if len(given) < 2 or given[0] < 1 or any(one != int(one) for one in given):
            raise InputError(
                "fidelities are two or more different numbers of epochs, such as 2,8, not "
                f"{','.join(f'{one:g}' for one in self.fidelities)}"
            )
        if self.evaluator != "proxy" or self.pruning != "none":
            raise InputError(
                "fidelities are epochs of short trainings: they need the evaluator proxy, and no "
                "pruning"
            )
        epochs = self.recipe_options().get("epochs", given[-1])
        if epochs != given[-1]:
            raise InputError(
                f"the largest of fidelities is a whole training: {given[-1]:g} there and "
                f"{epochs} epochs exclude each other"
            )

    def recipe_options(self) -> dict[str, Any]:
        """Options of the recipe; of several fidelities the longest training is a whole one."""
        found = super().recipe_options()
        return found if self.fidelities is None else {"epochs": self.most_epochs} | found

    @property
    def most_epochs(self) -> int:
        """Epochs of the longest of several fidelities."""
        assert self.fidelities is not None
        return int(max(self.fidelities))

    def check_wanted(self) -> None:
        """Refuse a new search that was told no cost: it would find the dearest networks.

        Raises:
            InputError: there is no target, none was renounced, no front is wanted, and the
                objective is not the user's own; or there is one, and it was renounced.
        """
        if self.no_target and self.targets:
            raise InputError("no_target and a target exclude each other: give one")
        own = self.objective not in get_args(ObjectiveKind)
        if not (self.targets or self.no_target or self.wants_front or own):
            raise InputError(
                "a baseline search needs a target, and none was given: give --target-flops 400M "
                "(or --target-params, --target-memory, --target-latency), or --no-target for the "
                "most accurate network at any cost"
            )

    @property
    def finalist_count(self) -> int:
        """Finalists, also where the evaluator only estimates and none were asked for."""
        return self.finalists or (ESTIMATED_FINALISTS if only_estimates(self.evaluator) else 0)

    @property
    def wanted(self) -> dict[str, float | None]:
        """The targets as they were given, None for those that were not."""
        from effsearch.nas.cost_model import LATENCY, TOTAL_MEMORY  # imports numpy

        return {
            "macs": self.target_flops,
            "params": self.target_params,
            "memory_bytes" if self.memory_batch is None else TOTAL_MEMORY: self.target_memory,
            LATENCY: self.target_latency,
        }

    @property
    def front_cost(self) -> str:
        """The cost that a front sets against accuracy: the first target's, else multiply-adds."""
        return next(iter(self.targets), "macs")


make_config = BaselineConfig.make

"""A checked configuration: whatever can be wrong before a search starts has been tried."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from effsearch.nas.config import BaselineConfig
from effsearch.nas.cost_model import KnownCosts
from effsearch.nas.evaluators.registry import make_evaluator
from effsearch.nas.fidelities import Fidelities
from effsearch.nas.latency_target import LatencySource, load_latency
from effsearch.nas.objective import (
    Objective,
    OwnObjective,
    describe,
    make_objective,
    resolved_objective,
)
from effsearch.nas.problem import Problem
from effsearch.nas.pruning import Pruning
from effsearch.nas.references import NO_REFERENCE, load_references
from effsearch.nas.strategies.base import Strategy
from effsearch.nas.strategies.registry import make_strategy, strategy_options
from effsearch.nas.trial_records import trial_seed
from effsearch.nas.warm_start import WarmStart, load_warm_start
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.space_file import load_space
from effsearch.training.trials.budget import Budget, Later, start_budget
from effsearch.training.trials.evaluator import Evaluator, Request
from effsearch.training.trials.gpus import check_gpus
from effsearch.training.trials.halving import ETA
from effsearch.training.trials.options import resolved_training

if TYPE_CHECKING:
    from effsearch.nas.evaluators.zero_cost.score import Probe
    from effsearch.training.recipes.recipe import Recipe
    from effsearch.training.trials.proxy import ProxyEvaluator

_PLAIN = (bool, int, float, str)
_TRIED = 64  # networks that a user's objective is tried on

FINALIST_EPOCHS = 3
"""How many times longer than in the search finalists are trained, unless told otherwise."""


@dataclass(frozen=True)
class SearchPlan:
    """Everything a search needs, loaded.

    Attributes:
        trainer: trains finalists and references; None where nothing can be trained.
        probe: what zero-cost scores look at; None where none are wanted.
        pruning: what gives trainings up; None for nothing.
        fidelities: shorter trainings that may be asked for; None for none.
        references: published networks to hold the answer against, by name.
        latency: predicts and measures latencies; None where none is wanted.
        warm_start: what is known beforehand.
        budget: of time; its clock started as the plan was begun.
        record: what `run.json` says of space, objective, data, recipe and latency table.
    """

    config: BaselineConfig
    space: SearchSpace
    costs: KnownCosts
    problem: Problem
    strategy: Strategy
    evaluator: Evaluator
    trainer: "ProxyEvaluator | None"
    probe: "Probe | None"
    pruning: Pruning | None
    fidelities: Fidelities | None
    latency: LatencySource | None
    references: dict[str, Architecture]
    warm_start: WarmStart
    budget: Budget
    record: dict[str, Any]

    @property
    def batch_size(self) -> int:
        """Networks asked together."""
        return self.config.batch_size or self.strategy.default_batch

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest reachable costs of the space."""
        return self.costs.ranges

    def typical(self) -> Request:
        """A random candidate, trained to see how long one takes or how many share a GPU."""
        (candidate,) = self.problem.draw(np.random.default_rng(0), 1, set())
        return Request(0, candidate.architecture, trial_seed(0, candidate.id))

    def stored_config(self) -> dict[str, Any]:
        """The configuration as the run keeps it: nothing that decides it is left to defaults."""
        config, recipe = self.config, self.record.get("recipe")
        defaults = strategy_options(config.strategy).items()
        options = {key: value for key, value in defaults if isinstance(value, _PLAIN)}
        options |= config.strategy_options
        stored = config.to_dict() | resolved_objective(config)
        stored |= {"batch_size": self.batch_size, "strategy_options": options}
        if recipe is not None:
            stored |= resolved_training(recipe)
        if self.finalist_recipe is not None:
            stored["finalist_epochs"] = self.finalist_recipe.epochs
        if config.reference is None and config.finalists:
            stored["reference"] = ",".join(self.references) or NO_REFERENCE
        return stored

    @property
    def finalist_recipe(self) -> "Recipe | None":
        """The recipe of the finalists' trainings; None where nothing is trained."""
        if self.trainer is None:
            return None
        recipe = self.trainer.recipe
        epochs = self.config.finalist_epochs or FINALIST_EPOCHS * recipe.epochs
        return replace(recipe, epochs=epochs)

    @property
    def finalist_evaluator(self) -> Evaluator:
        """The trainer with the finalists' epochs; other evaluators measure finalists themselves."""
        recipe = self.finalist_recipe
        if recipe is None or self.trainer is None:
            return self.evaluator
        return self.trainer.with_recipe(recipe)

    @property
    def times_longer(self) -> float:
        """How many times the search's epochs a finalist is trained for."""
        from effsearch.training.trials.proxy import ProxyEvaluator

        longer = self.finalist_recipe
        if longer is None or not isinstance(self.evaluator, ProxyEvaluator):
            return 1.0
        return longer.epochs / self.evaluator.recipe.epochs

    @property
    def later_finalists(self) -> list[Later]:
        """The trainings that follow the search; of a front as many as were asked for."""
        config = self.config
        count = min(config.finalist_count, config.samples)
        return [Later(trainings=count * config.finalist_seeds, times=self.times_longer)]

    @property
    def later_references(self) -> list[Later]:
        """The trainings that follow those of the finalists, where these are trained."""
        if not self.config.finalist_count:
            return []
        # Counted at the pixels of the space's networks: all are trained at the same.
        pixels = self.space.decode(self.space.sample(np.random.default_rng(0), 1)[0]).resolution
        return [
            Later(
                trainings=self.config.finalist_seeds,
                times=self.times_longer,
                macs=float(cost(architecture, pixels).macs),
            )
            for architecture in self.references.values()
        ]

    def per_trial(self, workers: int) -> int:
        """Networks in one Tune trial: one, or an even share of a batch where they are cheap."""
        share = -(-self.batch_size // workers) if self.evaluator.cheap else 1
        return self.config.per_trial or share


def make_plan(config: BaselineConfig, root: Path = Path("runs")) -> SearchPlan:
    """Load and check all that a search needs; nothing is written and nothing is trained.

    Args:
        config: what is wanted.
        root: folder of the runs, where earlier ones are looked for.

    Raises:
        InputError: something in the configuration does not exist or does not fit.
        InfeasibleError: the space cannot reach a target.
        MissingResourceError: a device was asked for and this machine has none.
    """
    budget = start_budget(
        config.time_budget, config.gpu_hours, device=config.device, ray_address=config.ray_address
    )
    check_gpus(config.gpus_per_trial, config.device, config.ray_address)
    space = load_space(config.space)
    latency = load_latency(config, space)
    costs = KnownCosts(space, latency.population if latency else None, config.memory_batch)
    problem = Problem.of(space, make_objective(config), costs)
    if isinstance(problem.objective, OwnObjective):
        some = space.sample(np.random.default_rng(config.seed), _TRIED)
        problem.objective.check_function(problem.costs(some))
    strategy = make_strategy(config.strategy, problem, config.seed, **config.strategy_options)
    source = make_evaluator(config, space)
    record = source.record | {
        "targets": config.targets,
        "objective": describe(problem.objective),
        "space": {"name": space.name, "size": space.size, "digest": space.digest},
    }
    if latency:
        record["latency"] = latency.record
    warm_start = load_warm_start(config, problem, strategy, record, root)
    strategy.earlier, strategy.openings = warm_start.earlier, warm_start.openings
    record |= warm_start.record
    strategy.fidelities = fidelities = _fidelities(config, strategy)
    pruning = _pruning(problem.objective, source.evaluator) if config.pruning == "halving" else None
    return SearchPlan(
        config=config,
        space=space,
        costs=costs,
        problem=problem,
        strategy=strategy,
        evaluator=source.evaluator,
        trainer=source.trainer,
        probe=source.probe,
        pruning=pruning,
        fidelities=fidelities,
        latency=latency,
        references=load_references(config),
        warm_start=warm_start,
        budget=budget,
        record=record,
    )


def _fidelities(config: BaselineConfig, strategy: Strategy) -> Fidelities | None:
    if config.fidelities is None:
        return None
    if not strategy.asks_cheaper:
        raise InputError(
            f"strategy '{config.strategy}' asks only for whole trainings: take bayesian, or leave "
            "fidelities out"
        )
    *cheaper, whole = sorted({int(epochs) for epochs in config.fidelities})
    return Fidelities(cheaper=tuple(cheaper), whole=whole)


def _pruning(objective: Objective, evaluator: Evaluator) -> Pruning:
    from effsearch.training.trials.proxy import ProxyEvaluator

    assert isinstance(evaluator, ProxyEvaluator)  # the configuration saw to it
    if evaluator.recipe.epochs < ETA:
        raise InputError(f"pruning needs trainings of at least {ETA} epochs: raise --epochs")
    return Pruning(objective, evaluator.recipe.epochs)

"""A checked configuration: whatever can be wrong before a search starts has been tried."""

from dataclasses import dataclass
from typing import Any

from nas.config import BaselineConfig
from nas.evaluators.registry import make_evaluator
from nas.objective import describe
from nas.problem import Problem
from nas.strategies.base import Strategy
from nas.strategies.registry import make_strategy
from search_spaces.population import PopulationCost
from search_spaces.space import SearchSpace
from search_spaces.space_file import load_space
from training.trials.evaluator import Evaluator
from training.trials.gpus import check_gpus


@dataclass(frozen=True)
class Plan:
    """Everything a search needs, loaded.

    Attributes:
        record: what `run.json` says of space, objective, data and recipe.
    """

    config: BaselineConfig
    space: SearchSpace
    problem: Problem
    strategy: Strategy
    evaluator: Evaluator
    record: dict[str, Any]

    @property
    def batch_size(self) -> int:
        """Networks asked together."""
        return self.config.batch_size or self.strategy.default_batch

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """Lowest and highest reachable costs of the space."""
        return PopulationCost(self.space).ranges

    def stored_config(self) -> dict[str, Any]:
        """The configuration as the run keeps it: what decides the search filled in."""
        return self.config.to_dict() | {"batch_size": self.batch_size}

    def per_trial(self, workers: int) -> int:
        """Networks in one Tune trial: one, or an even share of a batch where they are cheap."""
        share = -(-self.batch_size // workers) if self.evaluator.cheap else 1
        return self.config.per_trial or share


def make_plan(config: BaselineConfig) -> Plan:
    """Load and check all that a search needs; nothing is written and nothing is trained.

    Raises:
        InputError: something in the configuration does not exist or does not fit.
        InfeasibleError: the space cannot reach a target.
        MissingResourceError: a GPU was asked for and this machine has none.
    """
    check_gpus(config.gpus_per_trial, config.device, config.ray_address)
    space = load_space(config.space)
    problem = Problem.of(space, config.make_objective())
    strategy = make_strategy(config.strategy, problem, config.seed, **config.strategy_options)
    evaluator, record = make_evaluator(
        config.evaluator,
        data=config.data,
        recipe=config.recipe_options(),
        max_images=config.max_images,
        device=config.device,
    )
    record |= {
        "targets": config.targets,
        "objective": describe(problem.objective.targets),
        "space": {"name": space.name, "size": space.size, "digest": space.digest},
    }
    return Plan(config, space, problem, strategy, evaluator, record)

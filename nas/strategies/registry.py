"""Strategies by name. Each is imported when it is made, since some bring torch or Optuna."""

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from effsearch.search_spaces.errors import unknown_name

if TYPE_CHECKING:  # the command line looks at the names, and loads nothing heavy
    from effsearch.nas.problem import Problem
    from effsearch.nas.strategies.base import Strategy


@dataclass(frozen=True)
class Entry:
    """Where a strategy is found, and what it is for.

    Attributes:
        module: in this package.
        name: of its class.
        wants_front: it seeks the whole front of accuracy and cost, so no single reward ranks its
            networks: no cost band by default, no pruning, and the front stands in the answer.
    """

    module: str
    name: str
    wants_front: bool = False

    def load(self) -> "type[Strategy]":
        """The class, imported when it is asked for."""
        module = import_module(f"effsearch.nas.strategies.{self.module}")
        found: type[Strategy] = getattr(module, self.name)
        return found


STRATEGIES: dict[str, Entry] = {
    "bayesian": Entry("bayesian", "Bayesian"),
    "random": Entry("random", "RandomSearch"),
    "evolution": Entry("evolution", "RegularizedEvolution"),
    "local_search": Entry("local_search", "LocalSearch"),
    "ppo": Entry("ppo", "PPO"),
    "tpe": Entry("tpe", "TPE"),
    "nsga2": Entry("nsga2", "NSGA2", wants_front=True),
}
"""Every strategy by its name. A new one is a file beside this and a line here."""


def wants_front(name: str) -> bool:
    """Whether a strategy seeks a front instead of one winner.

    Raises:
        InputError: no such strategy.
    """
    return _entry(name).wants_front


def strategy_options(name: str) -> dict[str, Any]:
    """The options of a strategy with their defaults.

    Raises:
        InputError: no such strategy.
    """
    return {
        key: parameter.default
        for key, parameter in inspect.signature(_load(name).__init__).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def make_strategy(name: str, problem: "Problem", seed: int = 0, **options: Any) -> "Strategy":
    """A strategy that has seen nothing yet.

    Args:
        name: one of `STRATEGIES`; hyphens serve for underscores.
        problem: what to search.
        seed: the run's seed, at least 0.
        options: the strategy's own, such as `population`; see `strategy_options`.

    Raises:
        InputError: an unknown name or option, or an option out of range.
    """
    known = strategy_options(name)
    for key in options:
        if key not in known:
            raise unknown_name(f"option of strategy '{name}'", key, known)
    return _load(name)(problem, seed, **options)


def _load(name: str) -> "type[Strategy]":
    return _entry(name).load()


def _entry(name: str) -> Entry:
    entry = STRATEGIES.get(name.replace("-", "_"))
    if entry is None:
        raise unknown_name("strategy", name, STRATEGIES)
    return entry

"""Strategies by name. Each is imported when it is made, since some bring torch or Optuna."""

import inspect
from collections.abc import Callable
from typing import Any

from effsearch.nas.problem import Problem
from effsearch.nas.strategies.base import Strategy
from effsearch.search_spaces.errors import unknown_name


def _random() -> type[Strategy]:
    from effsearch.nas.strategies.random import RandomSearch

    return RandomSearch


def _evolution() -> type[Strategy]:
    from effsearch.nas.strategies.evolution import RegularizedEvolution

    return RegularizedEvolution


def _local_search() -> type[Strategy]:
    from effsearch.nas.strategies.local_search import LocalSearch

    return LocalSearch


def _ppo() -> type[Strategy]:
    from effsearch.nas.strategies.ppo import PPO

    return PPO


def _tpe() -> type[Strategy]:
    from effsearch.nas.strategies.tpe import TPE

    return TPE


def _nsga2() -> type[Strategy]:
    from effsearch.nas.strategies.nsga2 import NSGA2

    return NSGA2


def _bayesian() -> type[Strategy]:
    from effsearch.nas.strategies.bayesian import Bayesian

    return Bayesian


STRATEGIES: dict[str, Callable[[], type[Strategy]]] = {
    "bayesian": _bayesian,
    "random": _random,
    "evolution": _evolution,
    "local_search": _local_search,
    "ppo": _ppo,
    "tpe": _tpe,
    "nsga2": _nsga2,
}
"""From a name to what imports and returns the class."""


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


def make_strategy(name: str, problem: Problem, seed: int = 0, **options: Any) -> Strategy:
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


def _load(name: str) -> type[Strategy]:
    load = STRATEGIES.get(name.replace("-", "_"))
    if load is None:
        raise unknown_name("strategy", name, STRATEGIES)
    return load()

"""Strategies by name. Each is imported when it is made, since some bring torch or Optuna.

Besides ours there are those that installed packages name under the entry point group
`effsearch.strategies`, and classes that are given from Python.
"""

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from effsearch.results.config import Given, Objects, given_object
from effsearch.results.config.objects import PREFIX
from effsearch.search_spaces.errors import InputError, unknown_name

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


ENTRY_POINTS = "effsearch.strategies"
"""Group of entry points by which other packages bring strategies."""


def strategy_names() -> list[str]:
    """All that can be named: ours, and those of installed packages."""
    return [*STRATEGIES, *sorted(_installed())]


def wants_front(name: str) -> bool:
    """Whether a strategy seeks a front instead of one winner.

    Raises:
        InputError: no such strategy.
    """
    if name.startswith(PREFIX) and not isinstance(name, Given):
        return False  # the class is not here, as in a record that is only read
    entry = STRATEGIES.get(name.replace("-", "_"))
    return entry.wants_front if entry else _load(name).wants_front


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
        name: one of `strategy_names()`, hyphens serve for underscores; or a class, from
            `take_strategy`.
        problem: what to search.
        seed: the run's seed, at least 0.
        options: the strategy's own, such as `population`; see `strategy_options`.

    Raises:
        InputError: an unknown name or option, or an option out of range.
    """
    known = strategy_options(name)
    for key in options:
        if key not in known:
            raise unknown_name("option", key, known, where=f" of strategy '{name}'")
    return _load(name)(problem, seed, **options)


def take_strategy(name: str, value: Any) -> str:
    """A strategy that is no text: a class.

    Raises:
        InputError: it is none.
    """
    from effsearch.nas.strategies.base import Strategy  # imports numpy

    if isinstance(value, Strategy):
        raise InputError(f"{name} must be the class {type(value).__name__}, not one made of it")
    if not isinstance(value, type):
        raise InputError(f"{name} must be text or a subclass of effsearch.Strategy, not {value!r}")
    return Given.of(_checked(value, f"{name} {value.__name__}").__name__, value)


STRATEGY = Objects(take_strategy, "type[Strategy]")


def _load(name: str) -> "type[Strategy]":
    given: type[Strategy] | None = given_object("strategy", name)
    if given is not None:
        return given
    entry = STRATEGIES.get(name.replace("-", "_"))
    if entry is not None:
        return entry.load()
    installed = _installed()
    if name not in installed:
        raise unknown_name("strategy", name, [*STRATEGIES, *installed])
    try:
        found = installed[name].load()
    except Exception as error:  # a package of someone else's
        raise InputError(f"strategy '{name}' cannot be imported: {error}") from error
    return _checked(found, f"strategy '{name}' of an installed package")


def _checked(value: Any, what: str) -> "type[Strategy]":
    from effsearch.nas.strategies.base import Strategy

    if not isinstance(value, type) or not issubclass(value, Strategy):
        raise InputError(f"{what} is not a subclass of effsearch.Strategy")
    if inspect.isabstract(value):
        raise InputError(f"{what} lacks a method 'propose(self, rng, count)'")
    return value


def _installed() -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}

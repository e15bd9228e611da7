"""Strategy: ask for networks, tell what came of them.

A strategy is a function of (seed, history): everything random in a batch comes from the run's
seed and the batch's number, so a search that is resumed by replaying its ledger goes on exactly
as it would have.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from effsearch.nas.earlier import Earlier
from effsearch.nas.fidelities import Fidelities
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.search_spaces.errors import EffsearchError, InputError

STALE_BATCHES = 5
"""Batches in a row without one new proposal after which a strategy is taken to be stuck."""


class Strategy(ABC):
    """Base of all strategies. A subclass proposes; this keeps the history and the promises.

    Batches go in turn: `ask`, evaluate, `tell` with a result for each candidate asked, in the
    order asked. Every candidate lies in the cost band and none is asked twice.

    Args:
        problem: what to search.
        seed: the run's seed, a whole number of at least 0.

    Attributes:
        name: for messages; a class that says none has its own.
        wants_front: whether it seeks the front of accuracy and cost, and no single winner.
        default_batch: networks asked together, unless the user says otherwise.
        ranked_by: in words, what `ranked` goes by.
        history: all results told so far, in ask order.
        measured: those of them that did not fail, trainings that were given up included.
        seen: keys of all networks asked so far: their ids, of cheaper trainings with the epochs.
        openings: networks to ask first, in their order.
        earlier: what other runs have measured, where the strategy `learns_from_earlier`.
        fidelities: cheaper trainings that may be asked too, where it `asks_cheaper` ones; None for
            none.

    Example:
        >>> import effsearch
        >>> class Draws(effsearch.Strategy):
        ...     def propose(self, rng, count):
        ...         return self.problem.draw(rng, count, self.seen)
        >>> search = effsearch.ask_tell(target_flops="400M", strategy=Draws)
        >>> len(search.ask(3))
        3
    """

    name: ClassVar[str] = ""
    wants_front: ClassVar[bool] = False
    default_batch: ClassVar[int] = 8
    ranked_by: ClassVar[str] = "measured reward"
    learns_from_earlier: ClassVar[bool] = False
    asks_cheaper: ClassVar[bool] = False

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        if "name" not in vars(cls):
            cls.name = cls.__name__

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        self.problem = problem
        self.seed = seed
        self.history: list[Result] = []
        self.measured: list[Result] = []
        self.seen: set[str] = set()
        self.openings: Sequence[Candidate] = ()
        self.earlier: Sequence[Earlier] = ()
        self.fidelities: Fidelities | None = None
        self._batches = 0
        self._stale = 0

    def ask(self, count: int) -> list[Candidate]:
        """Up to `count` new networks to evaluate; fewer, or none, where the band runs out.

        Raises:
            EffsearchError: the strategy proposes what is no network of the space, or again and
                again nothing but networks that were asked already.
        """
        rng = np.random.default_rng([self.seed, self._batches])
        batch: list[Candidate] = []
        first = [one for one in self.openings if one.key not in self.seen][:count]
        proposed = first if len(first) == count else [*first, *self.propose(rng, count)]
        for candidate in proposed:
            self._check(candidate)
            if candidate.key not in self.seen and len(batch) < count:
                self.seen.add(candidate.key)
                batch.append(candidate)
        fresh = len(batch)
        if len(batch) < count:
            batch += self._fill(rng, count - len(batch))
        # Where the band runs out nothing new can be proposed, and nothing is drawn either.
        self._stale = self._stale + 1 if proposed and not fresh and batch else 0
        if self._stale >= STALE_BATCHES:
            raise EffsearchError(
                f"strategy '{self.name}' proposed nothing but networks that were asked already, "
                f"{STALE_BATCHES} batches in a row: leave out what is in self.seen"
            )
        return batch

    def tell(self, results: Sequence[Result]) -> None:
        """Hand over a batch's results, in the order it was asked."""
        self.history.extend(results)
        self.measured.extend(result for result in results if result.reward is not None)
        self._batches += 1
        self.learn(results)

    def replay(self, results: Sequence[Result]) -> None:
        """Take over a batch that was asked and told before, as a ledger holds it."""
        self.seen.update(result.candidate.key for result in results)
        self.tell(results)

    def ranked(self) -> list[Result]:
        """Measured results, best first: by their rewards, or by what the strategy makes of them.

        The first is a search's answer, so trainings that were given up are left out. For whole
        batches: between `tell` and the next `ask`.
        """
        whole = [result for result in self.measured if not result.partial]
        return sorted(whole, key=_reward, reverse=True)

    @abstractmethod
    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        """Networks in the band, best first. Those asked before, and what is missing, is replaced
        by draws from the band. Use no other source of randomness than `rng`."""

    def learned_correlations(self) -> Mapping[int, float]:
        """How what shorter trainings see goes with what whole ones see, by their epochs, −1 … 1;
        empty where that was not learned."""
        return {}

    def learn(self, results: Sequence[Result]) -> None:  # noqa: B027  most need the history alone
        """Take in one batch; `history` holds it already."""

    def _check(self, candidate: Candidate) -> None:
        """Refuse what is no network of the space and its cost band."""
        if not isinstance(candidate, Candidate):
            raise EffsearchError(
                f"strategy '{self.name}' proposed {_shown(candidate)}: make a candidate of an "
                "encoding by self.problem.candidate(encoding)"
            )
        row = np.asarray(candidate.encoding, dtype=np.int64)
        options = self.problem.space.options
        where = f"strategy '{self.name}' proposed the encoding {_shown(candidate.encoding)}"
        if row.shape != options.shape or (row < 0).any() or (row >= options).any():
            raise EffsearchError(
                f"{where}, outside the space '{self.problem.space.name}': it holds "
                f"{len(options)} whole numbers, each from 0 to one less than its options"
            )
        if self.problem.objective.is_banded and self.problem.violation(row[None])[0] > 0:
            raise EffsearchError(
                f"{where}, outside the cost band: keep what self.problem.in_band(rows) leaves"
            )

    def _fill(self, rng: np.random.Generator, count: int) -> list[Candidate]:
        drawn = self.problem.draw(rng, count, self.seen)
        self.seen.update(candidate.id for candidate in drawn)
        return drawn


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _reward(result: Result) -> float:
    assert result.reward is not None
    return result.reward


def check_option(
    strategy: str, name: str, value: float, low: float, high: float = math.inf
) -> None:
    """Refuse a strategy's option outside `low` … `high`.

    Raises:
        InputError: the value is out of range, not finite, or not a number.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and math.isfinite(value) and low <= value <= high:
        return
    bounds = f"at least {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
    raise InputError(f"strategy '{strategy}': {name} must be {bounds}, not {value!r}")

"""A search for people with their own executor: ask for networks, measure them, tell."""

from collections.abc import Sequence
from dataclasses import dataclass

from effsearch.nas.config import StrategyOptions
from effsearch.nas.objective import make_objective
from effsearch.nas.options import ObjectiveOptions
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.registry import make_strategy
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import load_space
from effsearch.training.trials.options import Seed


@dataclass(frozen=True, kw_only=True)
class AskTellConfig(StrategyOptions, ObjectiveOptions):
    """What an ask-and-tell search is told; the words are those of a baseline search."""

    seed: Seed = 0

    def check(self) -> None:
        """Raise an InputError where options do not go together."""
        self.check_objective()
        if self.weight == "auto":
            raise InputError(
                "weight auto looks at earlier runs, and there are none here: give a number"
            )


@dataclass(frozen=True)
class Measured:
    """A network with what was told of it.

    Attributes:
        accuracy: a fraction.
        reward: by the search's objective.
        costs: by name, such as `macs`.
    """

    architecture: Architecture
    accuracy: float
    reward: float
    costs: dict[str, float]


class AskTell:
    """A strategy, its space and its objective, without Ray, runs or trainings.

    Batches go in turn: `ask`, measure in any order and anywhere, `tell`. The same seed and the
    same answers give the same search.

    Args:
        config: what is searched, and how.

    Raises:
        InputError: something in the configuration does not exist or does not fit.
        InfeasibleError: the space cannot reach a target.

    Example:
        >>> import effsearch
        >>> search = effsearch.ask_tell(target_flops="400M", strategy="random")
        >>> networks = search.ask(2)
        >>> search.tell(networks, [0.71, 0.74])
        >>> len(search.ranked)
        2
    """

    def __init__(self, config: AskTellConfig) -> None:
        space = load_space(config.space)
        self._problem = Problem.of(space, make_objective(config))
        self._strategy = make_strategy(
            config.strategy, self._problem, config.seed, **config.strategy_options
        )
        self._open: dict[str, Candidate] = {}
        self._told: dict[str, Result] = {}

    def ask(self, count: int | None = None) -> list[Architecture]:
        """New networks to measure, the strategy's own number of them where none is said.

        Fewer, or none, where the space or the cost band holds no more.

        Raises:
            InputError: networks of the batch before have not been told.
        """
        if self._open:
            raise InputError(
                f"{len(self._open) - len(self._told)} of {len(self._open)} networks that were "
                "asked have not been told: tell their accuracies first, None for a failure"
            )
        if count is not None and count < 1:
            raise InputError(f"ask for one network or more, not {count!r}")
        candidates = self._strategy.ask(count or self._strategy.default_batch)
        self._open = {candidate.id: candidate for candidate in candidates}
        return [candidate.architecture for candidate in candidates]

    def tell(self, networks: Sequence[Architecture], accuracies: Sequence[float | None]) -> None:
        """What was measured of networks of the last batch, all or some of them, in any order.

        Args:
            networks: as asked.
            accuracies: fractions, one a network; None where the measurement failed.

        Raises:
            InputError: a network that was not asked, too few or too many accuracies, or one that
                is no fraction.
        """
        if len(networks) != len(accuracies):
            raise InputError(
                f"{len(accuracies)} accuracies for {len(networks)} networks: tell one each"
            )
        told = {}
        for network, accuracy in zip(networks, accuracies, strict=True):
            if network.id not in self._open:
                raise InputError(f"network {network.id} was not asked in the last batch")
            told[network.id] = self._result(self._open[network.id], accuracy)
        self._told |= told
        if len(self._told) == len(self._open):
            batch = [self._told[id] for id in self._open]  # in the order asked
            self._open, self._told = {}, {}
            self._strategy.tell(batch)

    @property
    def ranked(self) -> list[Measured]:
        """The networks measured so far, best first as the strategy ranks them."""
        return [
            Measured(
                found.candidate.architecture,
                float(found.accuracy),
                float(found.reward),
                dict(found.candidate.costs),
            )
            for found in self._strategy.ranked()
            if found.accuracy is not None and found.reward is not None
        ]

    @property
    def best(self) -> Measured:
        """The first of the ranked.

        Raises:
            InputError: nothing was told yet.
        """
        ranked = self.ranked
        if not ranked:
            raise InputError("nothing was told yet: ask for networks and tell their accuracies")
        return ranked[0]

    def _result(self, candidate: Candidate, accuracy: float | None) -> Result:
        if accuracy is None:
            return Result(candidate, None, None)
        value = float(accuracy)
        if not 0 <= value <= 1:
            hint = " (in percent? divide by 100)" if 1 < value <= 100 else ""
            raise InputError(f"an accuracy is a fraction in [0, 1], not {value}{hint}")
        reward = float(self._problem.objective.reward(value, candidate.costs))
        return Result(candidate, value, reward)

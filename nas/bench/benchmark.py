"""Yardstick: what strategies are compared on, where the true accuracy of a network is known.

An evaluation is a look-up with noise; what a search is judged by is the accuracy without it.
"""

import hashlib
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path

import numpy as np

from effsearch.nas.bench.config import BenchConfig
from effsearch.nas.evaluators.coverage import Coverage
from effsearch.nas.evaluators.table import read_table
from effsearch.nas.landscape import SyntheticLandscape
from effsearch.nas.problem import ENUMERABLE, Candidate, Problem
from effsearch.nas.search import trial_seed
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.space import Encodings
from effsearch.search_spaces.space_file import load_space


class Yardstick(ABC):
    """Accuracies of the networks of a problem.

    Attributes:
        problem: what is searched.
    """

    problem: Problem

    @abstractmethod
    def measure(self, candidate: Candidate, seed: int) -> float | None:
        """One noisy evaluation, the same for the same seed; None where it fails."""

    @abstractmethod
    def accuracy(self, candidate: Candidate) -> float:
        """What it would be without noise, of a candidate that can be measured."""

    @property
    @abstractmethod
    def lacking(self) -> int | None:
        """Networks of the space it has no value for; None where there are too many to count."""

    @property
    @abstractmethod
    def gaps(self) -> str:
        """The same in words; empty where it lacks none."""

    @abstractmethod
    def lacks(self, candidate: Candidate) -> bool:
        """Whether it has no value of the candidate's own."""

    @property
    @abstractmethod
    def best(self) -> float | None:
        """Highest noise-free reward in the band; None where the space is too large to know."""

    def reward(self, candidate: Candidate, accuracy: float) -> float:
        """Reward of an accuracy that the candidate has or might have."""
        return float(self.problem.objective.reward(accuracy, candidate.costs))


class Synthetic(Yardstick):
    """A synthetic landscape: a closed form, no real networks.

    Args:
        problem: what is searched.
        landscape: accuracies and noise.
    """

    def __init__(self, problem: Problem, landscape: SyntheticLandscape) -> None:
        self.problem = problem
        self._landscape = landscape

    def measure(self, candidate: Candidate, seed: int) -> float:
        return self.accuracy(candidate) + self._landscape.noise_of(candidate.id, seed)

    def accuracy(self, candidate: Candidate) -> float:
        return float(self._landscape.accuracy(np.array([candidate.encoding]))[0])

    @property
    def lacking(self) -> int:
        return 0

    @property
    def gaps(self) -> str:
        return ""

    def lacks(self, candidate: Candidate) -> bool:
        return False

    @cached_property
    def best(self) -> float | None:
        space = self.problem.space
        if space.size > ENUMERABLE:
            return None
        rows: Encodings = np.array(list(space.enumerate()), dtype=np.int64)
        rows = self.problem.in_band(rows.reshape(space.size, len(space)))
        accuracies = self._landscape.accuracy(rows)
        return float(self.problem.objective.reward(accuracies, self.problem.costs(rows)).max())


class Table(Yardstick):
    """A table of measured networks. Its noise is that between the rows of one network.

    Args:
        problem: what is searched.
        rows: accuracies by architecture id, at least one each.
        coverage: which of them belong to the space.
        sigma: standard deviation of further noise.
        nearest: take the nearest network of the table for one that it lacks.
    """

    def __init__(
        self,
        problem: Problem,
        rows: dict[str, list[float]],
        coverage: Coverage,
        *,
        sigma: float,
        nearest: bool,
    ) -> None:
        self.problem = problem
        self._rows = rows
        self._coverage = coverage
        self._sigma = sigma
        self._nearest = nearest
        self._found: dict[str, str] = {}

    def measure(self, candidate: Candidate, seed: int) -> float | None:
        rows = self._of(candidate)
        if rows is None:
            return None
        drawn = trial_seed(seed, candidate.id)
        noise = self._sigma * float(np.random.default_rng([drawn, 1]).standard_normal())
        return rows[drawn % len(rows)] + noise

    def accuracy(self, candidate: Candidate) -> float:
        rows = self._of(candidate)
        if rows is None:
            raise KeyError(candidate.id)
        return float(np.mean(rows))

    @property
    def lacking(self) -> int | None:
        return self._coverage.lacking

    @property
    def gaps(self) -> str:
        return self._coverage.gaps

    def lacks(self, candidate: Candidate) -> bool:
        return candidate.id not in self._rows

    @cached_property
    def best(self) -> float | None:
        inside = self.problem.in_band(self._coverage.encodings)
        candidates = [self.problem.candidate(row) for row in inside]
        return max((self.reward(c, self.accuracy(c)) for c in candidates), default=None)

    def _of(self, candidate: Candidate) -> list[float] | None:
        if candidate.id in self._rows or not self._nearest:
            return self._rows.get(candidate.id)
        if candidate.id not in self._found:
            self._found[candidate.id] = self._coverage.nearest(candidate.encoding)
        return self._rows[self._found[candidate.id]]


def make_yardstick(config: BenchConfig) -> Yardstick:
    """What a configuration compares on.

    Raises:
        InputError: an unreadable space or table, a table of no network of the space.
        InfeasibleError: the space cannot reach a target.
    """
    space = load_space(config.space)
    problem = Problem.of(space, config.objective)
    kind, _, landscape = config.evaluator.partition(":")
    if kind == "synthetic":
        if landscape and not landscape.isdecimal():
            raise InputError(f"landscape of '{config.evaluator}' must be a number: synthetic:3")
        made = {} if config.noise is None else {"noise": config.noise}
        return Synthetic(problem, SyntheticLandscape(space, int(landscape or 0), **made))
    if not config.evaluator.endswith(".csv"):
        raise unknown_name("evaluator of a bench", config.evaluator, ["synthetic", "TABLE.csv"])
    table = read_table(Path(config.evaluator))
    return Table(
        problem,
        {
            network.id: [float(str(row["accuracy"])) for row in measured]
            for network, measured in table.items()
        },
        Coverage.of(space, table, config.evaluator),
        sigma=config.noise or 0.0,
        nearest=config.table_missing == "nearest",
    )


def content_of(config: BenchConfig) -> str:
    """16 hex digits that name the content of the space and of the table, if there is one.

    Raises:
        InputError: an unreadable space.
    """
    digest = hashlib.sha256(load_space(config.space).digest.encode())
    if config.evaluator.endswith(".csv") and Path(config.evaluator).is_file():
        digest.update(Path(config.evaluator).read_bytes())
    return digest.hexdigest()[:16]

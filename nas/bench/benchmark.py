"""The yardsticks of a benchmark by what the user writes: a landscape, a table, a function.

An evaluation is a look-up with noise; what a search is judged by is the accuracy without it.
"""

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np

from effsearch.nas.bench.config import BenchConfig
from effsearch.nas.bench.user_function import UserFunction, further_noise
from effsearch.nas.bench.yardstick import Yardstick
from effsearch.nas.evaluators.coverage import Coverage
from effsearch.nas.evaluators.table import read_table
from effsearch.nas.evaluators.user import load_user_evaluator
from effsearch.nas.landscape import SyntheticLandscape
from effsearch.nas.problem import ENUMERABLE, Candidate, Problem
from effsearch.nas.trial_records import trial_seed
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.search_spaces.space_file import load_space


class Synthetic(Yardstick):
    """A synthetic landscape: a closed form, no real networks.

    Args:
        problem: what is searched.
        landscape: accuracies and noise.
    """

    def __init__(self, problem: Problem, landscape: SyntheticLandscape) -> None:
        self.problem = problem
        self.landscape = landscape

    def measure(self, candidate: Candidate, seed: int) -> float:
        return self.accuracy(candidate) + self.landscape.noise_of(candidate.id, seed)

    def accuracy(self, candidate: Candidate) -> float:
        return float(self.landscape.accuracy(np.array([candidate.encoding]))[0])

    @cached_property
    def best(self) -> float | None:
        space = self.problem.space
        if space.size > ENUMERABLE:
            return None
        rows = self.problem.in_band(every_encoding(space))
        accuracies = self.landscape.accuracy(rows)
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
        return rows[drawn % len(rows)] + further_noise(self._sigma, drawn)

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
        # A network that the table lacks has a cost of its own: with the accuracy of its nearest
        # it may be better than all that the table holds.
        beyond = self._nearest and self.problem.objective.targets and self.lacking != 0
        if beyond and self.problem.space.size > ENUMERABLE:
            return None
        rows = every_encoding(self.problem.space) if beyond else self._coverage.encodings
        candidates = self.problem.new(self.problem.in_band(rows), set(), len(rows))
        return max((self.reward(c, self.accuracy(c)) for c in candidates), default=None)

    def _of(self, candidate: Candidate) -> list[float] | None:
        if candidate.id in self._rows or not self._nearest:
            return self._rows.get(candidate.id)
        if candidate.id not in self._found:
            # Of several spellings of a network the one that every evaluator looks up.
            encoding = self.problem.space.encode(candidate.architecture)
            self._found[candidate.id] = self._coverage.nearest(encoding.tolist())
        return self._rows[self._found[candidate.id]]


_EVALUATORS = ("synthetic", "TABLE.csv", "package.module:function", "file.py:function")


def make_yardstick(config: BenchConfig) -> Yardstick:
    """What a configuration compares on.

    Raises:
        InputError: an unreadable space or table, a table of no network of the space, a function
            that cannot be imported.
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
    if ":" in config.evaluator:
        return UserFunction(
            problem, load_user_evaluator(config.evaluator), sigma=config.noise or 0.0
        )
    if not config.evaluator.endswith(".csv"):
        raise unknown_name("evaluator of a bench", config.evaluator, _EVALUATORS)
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


def every_encoding(space: SearchSpace) -> Encodings:
    """All encodings of a space that is small enough, (size, genes)."""
    rows: Encodings = np.array(list(space.enumerate()), dtype=np.int64)
    return rows.reshape(space.size, len(space))


def content_of(config: BenchConfig) -> str:
    """16 hex digits that name the content of the space and of the table or file, if there is one.

    Raises:
        InputError: an unreadable space.
    """
    digest = hashlib.sha256(load_space(config.space).digest.encode())
    file = Path(config.evaluator.rpartition(":")[0] or config.evaluator)
    if file.suffix in (".csv", ".py") and file.is_file():
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]

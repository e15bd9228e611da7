"""What a strategy searches: a space, its costs, an objective, and ways to draw from the cost band.

A cost is known before anything is trained, so candidates outside the band are dropped here and
never reach an evaluator.
"""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nas.objective import Floats, Objective
from search_spaces.architecture import Architecture
from search_spaces.errors import InfeasibleError
from search_spaces.population import PopulationCost
from search_spaces.space import Encodings, SearchSpace

Costs = dict[str, NDArray[np.int64]]
ENUMERABLE = 100_000
"""Spaces of at most this size are enumerated, so that a search can run out of them."""

_DRAWS = 4096
_ROUNDS = 32
_WALKERS = 256
_STEPS = 400


@dataclass(frozen=True)
class Candidate:
    """A network to evaluate: its choices, the network, and the costs known beforehand."""

    encoding: tuple[int, ...]
    architecture: Architecture
    costs: dict[str, int] = field(hash=False)

    @property
    def id(self) -> str:
        return self.architecture.id


@dataclass(frozen=True)
class Result:
    """What came of a candidate. Accuracy and reward are None where its evaluation failed."""

    candidate: Candidate
    accuracy: float | None
    reward: float | None


@dataclass(frozen=True)
class Problem:
    """A search problem.

    Attributes:
        space: what may vary.
        objective: what is wanted.
        costs: from encodings (n, genes) to costs by name, each (n,).
    """

    space: SearchSpace
    objective: Objective
    costs: Callable[[Encodings], Costs]

    @classmethod
    def of(cls, space: SearchSpace, objective: Objective) -> "Problem":
        """The problem with closed-form costs, checked to be reachable."""
        counted = PopulationCost(space)
        objective.check_reachable(counted.ranges)
        return cls(space, objective, counted)

    def candidate(self, encoding: Sequence[int] | NDArray[np.int64]) -> Candidate:
        """The candidate of one encoding (genes,)."""
        row = np.asarray(encoding, dtype=np.int64)
        costs = {name: int(values[0]) for name, values in self.costs(row[None]).items()}
        return Candidate(tuple(int(v) for v in row), self.space.decode(row), costs)

    def violation(self, encodings: Encodings) -> Floats:
        """How far outside the cost band each row lies, (n,); 0 inside."""
        return self.objective.violation(self.costs(encodings))

    def in_band(self, encodings: Encodings) -> Encodings:
        """The rows whose costs lie in the band, in their order."""
        inside: Encodings = encodings[self.violation(encodings) == 0]
        return inside

    def new(
        self, encodings: Iterable[NDArray[np.int64]], seen: Set[str], count: int
    ) -> list[Candidate]:
        """The first `count` rows that are networks neither in `seen` nor listed before."""
        found: dict[str, Candidate] = {}
        for row in encodings:
            candidate = self.candidate(row)
            if candidate.id not in seen and candidate.id not in found:
                found[candidate.id] = candidate
                if len(found) == count:
                    break
        return list(found.values())

    def draw(self, rng: np.random.Generator, count: int, seen: Set[str]) -> list[Candidate]:
        """Up to `count` new networks, uniform over the band's encodings; fewer where it runs out.

        Where less than one encoding in a hundred thousand lies in the band, the nearest draws are
        walked into it by mutations, which is no longer uniform.

        Raises:
            InfeasibleError: not one network in the band was found, seen or not.
        """
        if self.space.size <= ENUMERABLE:
            every = np.array(list(self.space.enumerate()), dtype=np.int64)
            inside = self.in_band(every.reshape(-1, len(self.space)))
            if not len(inside):
                raise InfeasibleError("no network of the space meets all targets together")
            return self.new(rng.permutation(inside), seen, count)
        found: list[Candidate] = []
        known = set(seen)
        any_inside = False
        for _ in range(_ROUNDS):
            inside = self.in_band(self.space.sample(rng, _DRAWS))
            any_inside = any_inside or len(inside) > 0
            found += self.new(inside, known, count - len(found))
            known |= {candidate.id for candidate in found}
            if len(found) == count:
                return found
        walked = self._walk(rng)
        if not len(walked) and not any_inside:
            raise InfeasibleError(
                "no network found that meets all targets together: loosen one of them"
            )
        return found + self.new(walked, known, count - len(found))

    def vary(
        self, rng: np.random.Generator, parent: Sequence[int], seen: Set[str]
    ) -> Candidate | None:
        """A new network in the band that differs from `parent` in as few genes as it takes.

        One gene is tried first, then two and so on; None where nothing new turns up.
        """
        row = np.asarray(parent, dtype=np.int64)
        for changes in range(1, min(len(self.space), 6) + 1):
            tries = self.space.mutate(rng, np.repeat(row[None], 64, axis=0), changes)
            found = self.new(self.in_band(tries), seen, 1)
            if found:
                return found[0]
        return None

    def _walk(self, rng: np.random.Generator) -> Encodings:
        """Random networks moved into the band: a mutation stays where it comes no farther away."""
        walkers = self.space.sample(rng, _DRAWS)
        distance = self.violation(walkers)
        nearest = np.argsort(distance, kind="stable")[:_WALKERS]
        walkers, distance = walkers[nearest], distance[nearest]
        for _ in range(_STEPS):
            outside = distance > 0
            if not outside.any():
                break
            tries = self.space.mutate(rng, walkers)
            reached = self.violation(tries)
            better = outside & (reached <= distance)
            walkers[better], distance[better] = tries[better], reached[better]
        arrived: Encodings = walkers[distance == 0]
        return arrived

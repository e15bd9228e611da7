"""What a strategy searches: a space, its costs, an objective, and ways to draw from the cost band.

A cost is known before anything is trained, so candidates outside the band are dropped here and
never reach an evaluator.
"""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from effsearch.nas.cost_model import Costs, KnownCosts
from effsearch.nas.objective import Floats, Objective
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InfeasibleError
from effsearch.search_spaces.space import Encodings, SearchSpace

ENUMERABLE = 100_000
"""Spaces of at most this size are enumerated, so that a search can run out of them."""

_FIRST_DRAWS = 256
_DRAWS = 4096
_ROUNDS = 32
_ENOUGH = 512  # rows in the band that tell, when none of them is new, that little is left
_WALKERS = 256
_STEPS = 400
# Genes changed and tries a parent: most one-gene changes stay in the band, so few tries do.
_VARIATIONS = ((1, 8), (1, 64), (2, 16), (3, 64), (4, 64), (5, 64), (6, 64))


@dataclass(frozen=True)
class Candidate:
    """A network to evaluate: its choices, the network, and the costs known beforehand.

    `recorded_id` is the network's id where it need not be worked out again. `epochs` is how long
    it is to be trained where that is less than a whole training (`nas.fidelities`); else None.
    """

    encoding: tuple[int, ...]
    architecture: Architecture
    costs: dict[str, float] = field(hash=False)
    recorded_id: str | None = field(default=None, compare=False, repr=False)
    epochs: int | None = None

    @classmethod
    def recorded(
        cls,
        encoding: tuple[int, ...],
        space: SearchSpace,
        costs: dict[str, float],
        id: str,
        epochs: int | None = None,
    ) -> "Candidate":
        """One that a ledger holds: its network is made where it is first asked for.

        A search of many thousand goes on from encodings and costs, and builds few of them again.
        """
        candidate = cls.__new__(cls)
        vars(candidate).update(
            encoding=encoding, costs=costs, recorded_id=id, epochs=epochs, _space=space
        )
        return candidate

    def __getattr__(self, name: str) -> Architecture:
        space = vars(self).get("_space")
        if name != "architecture" or space is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        found: Architecture = space.decode(np.array(self.encoding))
        vars(self)["architecture"] = found
        return found

    @property
    def id(self) -> str:
        """The network's id."""
        return self.recorded_id or self.architecture.id

    @property
    def key(self) -> str:
        """What no search asks twice: the network's id, and the epochs where they are fewer."""
        return self.id if self.epochs is None else f"{self.id}@{self.epochs}"


@dataclass(frozen=True)
class Result:
    """What came of a candidate.

    Attributes:
        candidate: the network.
        accuracy, reward: None where the evaluation failed.
        curve: accuracy after each epoch, where there are epochs.
        partial: the training was given up, and accuracy and reward are what it had reached, or
            what it is taken for (`nas.pruning`); or it was a cheaper one from the outset
            (`nas.fidelities`). It may teach a strategy but is never an answer.
    """

    candidate: Candidate
    accuracy: float | None
    reward: float | None
    curve: tuple[float, ...] = ()
    partial: bool = False


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
    # Ids of the spellings met so far, in spaces small enough to be walked to their end.
    _ids: dict[bytes, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        space: SearchSpace,
        objective: Objective,
        costs: KnownCosts | None = None,
    ) -> "Problem":
        """The problem with the costs given, else those counted, checked to be reachable.

        Raises:
            InfeasibleError: the space cannot reach a target.
        """
        known = costs or KnownCosts(space)
        objective.check_reachable(known.ranges)
        return cls(space, objective, known)

    def candidate(self, encoding: Sequence[int] | NDArray[np.int64]) -> Candidate:
        """The candidate of one encoding (genes,)."""
        row = np.asarray(encoding, dtype=np.int64)
        return _candidate(row, self.space.decode(row), self.costs(row[None]), 0)

    def violation(self, encodings: Encodings) -> Floats:
        """How far outside the cost band each row lies, (n,); 0 inside."""
        return self.objective.violation(self.costs(encodings))

    def in_band(self, encodings: Encodings) -> Encodings:
        """The rows whose costs lie in the band, in their order."""
        inside: Encodings = encodings[self.violation(encodings) == 0]
        return inside

    def new(self, encodings: Encodings, seen: Set[str], count: int) -> list[Candidate]:
        """The first `count` rows that are networks neither in `seen` nor listed before."""
        return self._new(
            encodings, self.costs(encodings), range(len(encodings)), seen, count, self._memo()
        )

    def draw(self, rng: np.random.Generator, count: int, seen: Set[str]) -> list[Candidate]:
        """Up to `count` new networks, uniform over the band's encodings; fewer where it runs out.

        Where less than one encoding in a hundred thousand lies in the band, the nearest draws are
        walked into it by mutations, which is no longer uniform.

        Raises:
            InfeasibleError: not one network in the band was found, seen or not.
        """
        if count < 1:
            return []
        if self.space.size <= ENUMERABLE:
            return self.new(rng.permutation(self._listed), seen, count)
        found: list[Candidate] = []
        known = set(seen)
        inside = 0
        for turn in range(_ROUNDS):
            rows = self.space.sample(rng, min(_DRAWS, _FIRST_DRAWS << turn))
            costs = self.costs(rows)
            places = np.flatnonzero(self.objective.violation(costs) == 0)
            fresh = self._new(rows, costs, places, known, count - len(found), self._memo())
            found += fresh
            known.update(candidate.id for candidate in fresh)
            if len(found) == count:
                return found
            inside += len(places)
            if len(places) >= _ENOUGH and not fresh:
                return found  # the band holds next to nothing that is not seen
        walked = self._walk(rng)
        if not len(walked) and not inside:
            raise InfeasibleError(
                "no network found that meets all targets together: loosen one of them"
            )
        return found + self.new(walked, known, count - len(found))

    def vary_many(
        self, rng: np.random.Generator, parents: Encodings, seen: Set[str]
    ) -> list[Candidate]:
        """For each parent (n, genes), in order, a new network in the band; none twice.

        It differs from its parent in as few genes as it takes: one is tried first, then two and so
        on. A parent around which nothing new turns up is passed over.
        """
        known = set(seen)
        ids = self._memo()  # children of one parent meet again and again
        found: dict[int, Candidate] = {}
        waiting = np.arange(len(parents))
        for changes, tries in _VARIATIONS:
            if not len(waiting) or changes > len(self.space):
                break
            rows = self.space.mutate(rng, np.repeat(parents[waiting], tries, axis=0), changes)
            costs = self.costs(rows)
            inside = self.objective.violation(costs) == 0
            for turn, parent in enumerate(waiting):
                block = np.flatnonzero(inside[turn * tries : (turn + 1) * tries]) + turn * tries
                for candidate in self._new(rows, costs, block, known, 1, ids):
                    found[int(parent)] = candidate
                    known.add(candidate.id)
            waiting = np.array([p for p in waiting if int(p) not in found], dtype=np.int64)
        return [found[parent] for parent in sorted(found)]

    def _new(
        self,
        rows: Encodings,
        costs: Costs,
        places: Iterable[int],
        seen: Set[str],
        count: int,
        ids: dict[bytes, str],
    ) -> list[Candidate]:
        """As `new`, of the rows at `places`, whose costs are known; `ids` is read and added to."""
        found: dict[str, Candidate] = {}
        if count < 1:
            return []
        for place in places:
            row = rows[place]
            spelling = row.tobytes()
            name = ids.get(spelling)
            if name in seen or name in found:
                continue
            architecture = self.space.decode(row)
            name = architecture.id
            ids[spelling] = name
            if name not in seen and name not in found:
                found[name] = _candidate(row, architecture, costs, int(place))
                if len(found) == count:
                    break
        return list(found.values())

    def _memo(self) -> dict[bytes, str]:
        """Where the ids of spellings are kept: for one call, or for good in a small space."""
        return self._ids if self.space.size <= ENUMERABLE else {}

    @cached_property
    def _listed(self) -> Encodings:
        """Every encoding in the band of a space small enough to be listed."""
        every = np.array(list(self.space.enumerate()), dtype=np.int64)
        inside = self.in_band(every.reshape(self.space.size, len(self.space)))
        if not len(inside):
            raise InfeasibleError("no network of the space meets all targets together")
        return inside

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


def _candidate(
    row: NDArray[np.int64], architecture: Architecture, costs: Costs, place: int
) -> Candidate:
    return Candidate(
        tuple(row.tolist()), architecture, {name: v[place].item() for name, v in costs.items()}
    )

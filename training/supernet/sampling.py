"""Which networks a step of a supernet's training is taken on.

Pure functions of seed and step, so that a resumed training goes on with the same networks.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from effsearch.search_spaces.population import PopulationCost
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.training.supernet.recipe import SupernetRecipe

Draw = Callable[[np.random.Generator, int], Encodings]
"""Up to so many encodings (n, genes) of the networks that are wanted."""

_POOL = 32  # networks of the band that a fair step chooses from
_EXTREMES = 256
_LOOKS = 8


class Sampler:
    """Networks for each step.

    Args:
        space: of the supernet.
        recipe: says how they are sampled, and how many a step.
        seed: of all that is random.
        draw: networks of the cost band; None for the whole space.
    """

    def __init__(
        self, space: SearchSpace, recipe: SupernetRecipe, seed: int, draw: Draw | None = None
    ) -> None:
        self._space = space
        self._recipe = recipe
        self._seed = seed
        self._draw = draw

    def __call__(self, step: int) -> Encodings:
        """The encodings of a step, (networks, genes); of a sandwich the largest is the first."""
        rng = np.random.default_rng([self._seed, 11, step])
        count = self._recipe.networks
        if self._recipe.sampling == "fair":
            return self._fair(step, rng, count)
        if self._recipe.sampling == "uniform":
            return self._some(rng, count)
        largest, smallest = self._extremes
        return np.concatenate([largest[None], self._some(rng, max(0, count - 2)), smallest[None]])[
            :count
        ]

    def candidates(self, count: int) -> Encodings:
        """Encodings (n, genes) that are no step's, up to so many: of networks that may teach."""
        return self._some(np.random.default_rng([self._seed, 19]), count)

    def _some(self, rng: np.random.Generator, count: int) -> Encodings:
        if self._draw is None or not count:
            return self._space.sample(rng, count)
        drawn = self._draw(rng, count)
        return drawn[np.arange(count) % len(drawn)]  # a band may hold fewer than are wanted

    def _fair(self, step: int, rng: np.random.Generator, count: int) -> Encodings:
        """Each option as often as any other (FairNAS, arXiv 1907.01845, section 3.2): of a choice
        of c every run of c networks that begins at a multiple of c takes each option once.

        Within a cost band options cannot be free of each other: of some draws those are taken that
        use the options most evenly.
        """
        if self._draw is not None:
            return self._even(self._draw(rng, _POOL), count)
        rows = np.empty((count, len(self._space)), dtype=np.int64)
        for place in range(count):
            number = step * count + place
            for gene, options in enumerate(self._space.options):
                turn, index = divmod(number, int(options))
                order = np.random.default_rng([self._seed, 13, gene, turn]).permutation(options)
                rows[place, gene] = order[index]
        return rows

    def _even(self, pool: Encodings, count: int) -> Encodings:
        used = [np.zeros(int(options)) for options in self._space.options]
        chosen = []
        for _ in range(count):
            crowded = sum(taken[pool[:, gene]] for gene, taken in enumerate(used))
            row = pool[int(np.argmin(crowded))]
            chosen.append(row)
            for gene, option in enumerate(row):
                used[gene][option] += 1
        return np.array(chosen, dtype=np.int64).reshape(count, len(self._space))

    @cached_property
    def _extremes(self) -> Encodings:
        """The largest and the smallest network, (2, genes): of the space, or of draws from the
        band."""
        costs = PopulationCost(self._space)
        if self._draw is not None:
            pool = self._draw(np.random.default_rng([self._seed, 17]), _EXTREMES)
            counted = costs(pool)["params"]
            return pool[[int(counted.argmax()), int(counted.argmin())]]
        return np.array([_climb(self._space, costs, sign) for sign in (1, -1)], dtype=np.int64)


def _climb(space: SearchSpace, costs: PopulationCost, sign: int) -> Encodings:
    """The network of the most multiply-adds (sign 1) or the fewest (−1), gene by gene."""
    row = np.zeros(len(space), dtype=np.int64)
    for _ in range(_LOOKS):
        before = row.copy()
        for gene, options in enumerate(space.options):
            rows = np.repeat(row[None], int(options), axis=0)
            rows[:, gene] = np.arange(int(options))
            row = rows[int((sign * costs(rows)["macs"]).argmax())]
        if (row == before).all():
            break
    return row

"""Which networks of a space a table of measurements holds, and the nearest to one it lacks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from effsearch.nas.problem import ENUMERABLE
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.search_spaces.units import plural


@dataclass(frozen=True)
class Coverage:
    """The networks that a table and a space have in common.

    Attributes:
        space: the space.
        networks: an encoding of each network, by id.
    """

    space: SearchSpace
    networks: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, space: SearchSpace, table: Iterable[Architecture], name: str) -> "Coverage":
        """Look up which networks of a table belong to a space; others are passed over.

        Raises:
            InputError: none of them does; `name` is the table's.
        """
        found: dict[str, tuple[int, ...]] = {}
        for network in table:
            try:
                found[network.id] = tuple(space.encode(network).tolist())
            except InputError:  # a table may hold networks of other spaces too
                continue
        if not found:
            raise InputError(f"table '{name}' holds no network of space '{space.name}'")
        return cls(space, found)

    @cached_property
    def encodings(self) -> Encodings:
        """The encodings, (networks, genes), in the order of the ids."""
        return np.array(list(self.networks.values()), dtype=np.int64)

    @cached_property
    def lacking(self) -> int | None:
        """Networks of the space that the table lacks; None where they are too many to count."""
        if self.space.size > ENUMERABLE:
            return None
        every = {self.space.decode(row).id for row in self.space.enumerate()}
        return len(every - self.networks.keys())

    @property
    def gaps(self) -> str:
        """How many networks of the space the table lacks, in words; empty where it has all."""
        if self.lacking is None:
            return (
                f"the table holds {plural(len(self.networks), 'network')} of the space's "
                f"{self.space.size:.2g} or fewer, and lacks the others"
            )
        if not self.lacking:
            return ""
        return f"the table lacks {plural(self.lacking, 'network')} of the space"

    def nearest(self, encoding: Sequence[int]) -> str:
        """Id of the first network that differs from `encoding` in the fewest genes."""
        away = (self.encodings != np.asarray(encoding)).sum(axis=1)
        return list(self.networks)[int(away.argmin())]

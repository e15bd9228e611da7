"""Measurements at several prices: trainings of fewer epochs tell something of whole ones.

How much they tell is learned in the search (`nas.surrogate.fidelities`). What they cost is known
beforehand, in epochs, so that what is asked follows from the seed and the history alone and not
from how busy a machine was.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fidelities:
    """How many epochs a search may train a network for.

    Attributes:
        cheaper: fewer than the whole training's, ascending, at least one.
        whole: epochs of a whole training; only these make an answer.

    Example:
        >>> Fidelities(cheaper=(2,), whole=8).price(2)
        0.25
    """

    cheaper: tuple[int, ...]
    whole: int

    def price(self, epochs: int | None) -> float:
        """What a training costs, in whole trainings; None for a whole one."""
        return 1.0 if epochs is None else epochs / self.whole

    @property
    def levels(self) -> tuple[int | None, ...]:
        """All there are: the whole training, written None, then the cheaper ones."""
        return (None, *self.cheaper)

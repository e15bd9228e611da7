"""Successive halving (Li et al., arXiv 1810.05934): trainings that fall behind are given up.

After a rung's epoch a training goes on where it is among the best 1/η of all that have reached
that rung. A training learns the thresholds as it starts, so none waits for another; what others
reach while it runs is not seen.
"""

import math
from collections.abc import Sequence

ETA = 2


class Halving:
    """What was reached at every rung so far, and what that asks of the next training.

    Args:
        epochs: of a whole training; rungs lie at epochs/η, epochs/η², …, 1 and later.
        eta: the best 1/η go on.
    """

    def __init__(self, epochs: int, eta: int = ETA) -> None:
        self._eta = eta
        self._seen: dict[int, list[float]] = {rung: [] for rung in rungs(epochs, eta)}

    def note(self, curve: Sequence[float]) -> None:
        """Take in a training's accuracies, or rewards, by epoch."""
        for rung, values in self._seen.items():
            if len(curve) >= rung:
                values.append(curve[rung - 1])

    def thresholds(self) -> tuple[tuple[int, float], ...]:
        """Pairs of a rung's epoch and the least value to go on with; none before η are seen."""
        found = []
        for rung, values in sorted(self._seen.items()):
            if len(values) >= self._eta:
                keep = math.ceil(len(values) / self._eta)
                found.append((rung, sorted(values, reverse=True)[keep - 1]))
        return tuple(found)


def rungs(epochs: int, eta: int = ETA) -> list[int]:
    """Epochs after which a training may be given up, ascending; none where there is one epoch."""
    found = []
    epoch = epochs // eta
    while epoch >= 1:
        found.append(epoch)
        epoch //= eta
    return sorted(found)

"""What a model is told of trainings that collapsed."""

from collections.abc import Sequence

import numpy as np

from effsearch.nas.objective import Floats, Objective
from effsearch.nas.problem import Result

_COLLAPSE = 4.0  # as far under the median as this many times the best tenth lies over it
_FIRST = 20


def lifted(results: Sequence[Result], objective: Objective) -> tuple[Floats, Floats]:
    """Accuracies with those that collapsed lifted to where the bad ones lie, and their doubts.

    How far below is an accident, and it would drown what tells the good ones apart. What is bad is
    told by the first networks, which are drawn from all over the band: of those that a search
    comes to in the end even an ordinary network is far below the median.

    A network is lifted to the lowest reward that is told apart and no higher: a bad accuracy
    raised as such would be an excellent reward where the network costs next to nothing and costs
    are rewarded. Nor is it lifted above the lowest accuracy that is told apart: a reward may be
    low for the cost alone.

    Args:
        results: measured networks in the order asked, at least one.
        objective: what makes rewards of their accuracies.

    Returns:
        Accuracies (n,), and the standard deviation (n,) of what is unknown of each besides noise:
        0, and of one that was lifted as much as that, at most half its way to the median. So one
        collapse among good networks says little, and several of one kind say much.
    """
    accuracies = np.array([found.accuracy for found in results], dtype=np.float64)
    names = set.intersection(*(set(found.candidate.costs) for found in results))
    costs = {
        name: np.array([found.candidate.costs[name] for found in results]) for name in sorted(names)
    }
    lowest_reward = _lowest(objective.reward(accuracies, costs)[:_FIRST])
    lowest = _lowest(accuracies[:_FIRST])
    values = np.maximum(accuracies, np.minimum(lowest, objective.accuracies(lowest_reward, costs)))
    way = np.abs(np.median(accuracies[:_FIRST]) - values)
    return values, np.minimum(values - accuracies, way / 2)


def _lowest(values: Floats) -> float:
    """The lowest value that is told apart; −∞ where all are."""
    middle, high = np.quantile(values, [0.5, 0.9])
    return float(middle - _COLLAPSE * (high - middle)) if high > middle else -np.inf

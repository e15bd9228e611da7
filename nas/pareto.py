"""Pareto fronts: what no other candidate beats in every respect."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from effsearch.nas.objective import Floats


def pareto_front(values: Floats) -> NDArray[np.bool_]:
    """Which rows are not dominated, (n,).

    A row is dominated where another is at least as large in every column and larger in one. Equal
    rows stand or fall together; a row with a NaN is never on the front.

    Args:
        values: (n, objectives), larger is better: hand over costs with their sign changed.
    """
    values = np.asarray(values, dtype=np.float64)
    front = np.zeros(len(values), dtype=np.bool_)
    left = np.flatnonzero(~np.isnan(values).any(axis=1))
    # Whoever has the largest sum is dominated by nobody, and strikes out whom it dominates.
    left = left[np.argsort(-values[left].sum(axis=1), kind="stable")]
    while len(left):
        best = left[0]
        front[best] = True
        equal = (values[left] == values[best]).all(axis=1)
        front[left[equal]] = True
        left = left[~(values[left] <= values[best]).all(axis=1)]
    return front


def cheapest_first(accuracies: Sequence[float], costs: Sequence[float]) -> list[int]:
    """Places of what none beats in both accuracy and cost, by rising cost."""
    values = np.column_stack([np.array(accuracies, float), -np.array(costs, float)])
    return sorted(np.flatnonzero(pareto_front(values)).tolist(), key=lambda place: costs[place])

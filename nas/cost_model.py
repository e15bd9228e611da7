"""What a network costs, known before it is trained: counted, and predicted by a latency table."""

import numpy as np
from numpy.typing import NDArray

from effsearch.latency.population import PopulationLatency
from effsearch.nas.objective import Floats
from effsearch.search_spaces.population import PopulationCost
from effsearch.search_spaces.space import Encodings, SearchSpace

Costs = dict[str, NDArray[np.int64] | Floats]
LATENCY = "latency_ms"
"""What milliseconds are called among the costs: predicted, or measured where each network is."""

PREDICTED = "predicted_latency_ms"
"""What the prediction is called beside a measured latency."""

TOTAL_MEMORY = "total_memory_bytes"
"""What weights and peak activations of a batch are called among the costs."""

_WEIGHT_BYTES = 4
_DIGITS = 4  # of milliseconds: more are none that a table knows


class KnownCosts:
    """The costs of many networks that are known before any is trained.

    Args:
        space: of the networks.
        latency: predicts milliseconds; None for no latency among the costs.
        memory_batch: images at a time of `total_memory_bytes`, weights and peak activations in
            float32; None for no such cost.
    """

    def __init__(
        self,
        space: SearchSpace,
        latency: PopulationLatency | None = None,
        memory_batch: int | None = None,
    ) -> None:
        self._counted = PopulationCost(space)
        self._latency, self._memory_batch = latency, memory_batch

    def __call__(self, encodings: Encodings) -> Costs:
        """From encodings (n, genes) to costs by name, each (n,)."""
        costs: Costs = dict(self._counted(encodings))
        if self._memory_batch is not None:
            activations = self._memory_batch * costs["memory_bytes"]
            costs[TOTAL_MEMORY] = _WEIGHT_BYTES * costs["params"] + activations
        if self._latency is not None:
            costs[LATENCY] = np.round(self._latency(encodings), _DIGITS)
        return costs

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest reachable costs of the space; of the total memory, bounds of them."""
        ranges: dict[str, tuple[float, float]] = dict(self._counted.ranges)
        if self._memory_batch is not None:
            bounds = zip(ranges["params"], ranges["memory_bytes"], strict=True)
            low, high = (_WEIGHT_BYTES * one + self._memory_batch * other for one, other in bounds)
            ranges[TOTAL_MEMORY] = (low, high)
        if self._latency is not None:
            low, high = self._latency.range
            ranges[LATENCY] = (round(low, _DIGITS), round(high, _DIGITS))
        return ranges

"""A strategy of one's own: a class that proposes networks.

    python examples/own_strategy.py

This one always changes one gene of the best network so far. It is tried here in a loop of one's
own, without Ray and without a run; `effsearch.search_baseline(strategy=Greedy, ...)` searches
with it as with any other.
"""

from collections.abc import Sequence

import numpy as np

import effsearch


class Greedy(effsearch.Strategy):
    """One change at a time, always from the best."""

    def propose(self, rng: np.random.Generator, count: int) -> Sequence:
        """Neighbours of the best; what is missing is drawn from the cost band."""
        ranked = self.ranked()
        if not ranked:
            return []
        near = self.problem.space.neighbours(np.array(ranked[0].candidate.encoding))
        return self.problem.new(self.problem.in_band(rng.permutation(near)), self.seen, count)


def measure(network: effsearch.Architecture) -> float:
    """What is good: here many parameters, in the place of a training."""
    return effsearch.cost(network).params / 1e7


def main(batches: int = 20) -> float:
    """Search networks of at most 400M multiply-adds; the best that was found."""
    search = effsearch.ask_tell(strategy=Greedy, target_flops="400M", seed=0)
    for _ in range(batches):
        networks = search.ask(8)
        search.tell(networks, [measure(network) for network in networks])
    print(f"{search.best.accuracy:.4f}  {effsearch.format_architecture(search.best.architecture)}")
    return search.best.accuracy


if __name__ == "__main__":
    main()

"""A strategy of one's own, in a loop of one's own: no Ray, no run, no training of ours.

    python examples/own_strategy.py

Always change one gene of the best network so far, chosen by chance.
"""

from collections.abc import Sequence

import numpy as np

import effsearch
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.base import Strategy


class Greedy(Strategy):
    """One change at a time, always from the best."""

    name = "greedy"

    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        """Neighbours of the best network; draws from the cost band while there is none."""
        ranked = self.ranked()
        if not ranked:
            return []
        best = np.array(ranked[0].candidate.encoding)
        near = self.problem.space.neighbours(best)
        return self.problem.new(self.problem.in_band(rng.permutation(near)), self.seen, count)


def measure(network: effsearch.Architecture) -> float:
    """What is good: here many parameters, in the place of a training."""
    return effsearch.cost(network).params / 1e7


def main(batches: int = 20) -> float:
    """Search networks of at most 400M multiply-adds; the best reward found."""
    objective = effsearch.Objective(
        (effsearch.Target(metric="macs", limit=400e6, low=360e6, high=400e6),)
    )
    strategy = Greedy(Problem.of(effsearch.load_space("mnasnet"), objective), seed=0)
    for _ in range(batches):
        results = []
        for one in strategy.ask(8):
            accuracy = measure(one.architecture)
            reward = float(objective.reward(accuracy, one.costs))
            results.append(Result(one, accuracy, reward))
        strategy.tell(results)
    best = strategy.ranked()[0]
    print(f"{best.reward:.4f}  {effsearch.format_architecture(best.candidate.architecture)}")
    return best.reward or 0.0


if __name__ == "__main__":
    main()

"""Successive halving in a search: which trainings go on, and what those given up are taken for.

Not Ray Tune's ASHA, which decides as results arrive: whom it stops depends on how many workers
there are and how fast each of them was, and a resumed run would decide otherwise. Here the
thresholds of a batch follow from the batches before it, and so from the ledger alone: one seed
stays one search, at any number of workers and after a kill.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from effsearch.nas.objective import Objective
from effsearch.nas.problem import Candidate, Result
from effsearch.training.trials.halving import Halving


class Pruning:
    """What the trainings told so far ask of the next ones.

    Trainings are compared by the reward that the accuracy after an epoch would have, so a network
    is not given up for being cheap.

    Args:
        objective: from accuracy and costs to the reward.
        epochs: of a whole training, at least 2.
    """

    def __init__(self, objective: Objective, epochs: int) -> None:
        self._objective = objective
        self._halving = Halving(epochs)
        self._gains: dict[int, list[float]] = {}  # by epoch, of whole trainings
        self._best = 0.0

    def stop_below(self, candidate: Candidate) -> tuple[tuple[int, float], ...]:
        """Pairs of an epoch and the accuracy this network needs after it to be trained on."""
        return tuple(
            (epoch, float(self._objective.accuracy(reward, candidate.costs)))
            for epoch, reward in self._halving.thresholds()
        )

    def take_in(self, results: Sequence[Result]) -> list[Result]:
        """Learn from a whole batch, in the order asked, and complete the trainings given up.

        A strategy cannot compare the accuracy after one epoch with that after ten. It is told what
        the training would have come to had it gained, from its last epoch on, the median of what
        whole trainings gained; never more than the best of them reached. Such a result stays
        marked as partial.
        """
        for result in results:
            self._note(result)
        return [self._completed(result) if result.partial else result for result in results]

    def _note(self, result: Result) -> None:
        if result.accuracy is None:
            return  # a network that could not be measured lacks a cost
        rewards = self._objective.reward(np.array(result.curve), result.candidate.costs)
        self._halving.note(rewards.tolist())
        if result.partial:
            return
        for epoch, accuracy in enumerate(result.curve, start=1):
            self._gains.setdefault(epoch, []).append(result.accuracy - accuracy)
        self._best = max(self._best, result.accuracy)

    def _completed(self, result: Result) -> Result:
        assert result.accuracy is not None
        gain = float(np.median(self._gains.get(len(result.curve), [0.0])))
        accuracy = max(result.accuracy, min(result.accuracy + gain, self._best))
        reward = float(self._objective.reward(accuracy, result.candidate.costs))
        return replace(result, accuracy=accuracy, reward=reward)

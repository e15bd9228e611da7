"""Scores as a source of accuracies: a search by them costs no training but its finalists'.

A score has a unit of its own. For the search it is put on a scale of accuracies: 0.5 is the mean
of random networks of the space, and 0.05 more is one standard deviation of them more. Several
scores count as the mean of their standard deviations.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from effsearch.nas.evaluators.zero_cost.registry import score_of
from effsearch.nas.evaluators.zero_cost.score import Probe
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space import SearchSpace
from effsearch.training.trials.evaluator import Evaluator, Measurements, Request

REFERENCE_NETWORKS = 48
"""Random networks of the space that give a score its scale."""

_STEP = 0.05


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of a score over random networks of a space."""

    mean: float
    deviation: float

    def place(self, value: float) -> float:
        """How many standard deviations a value lies above the mean."""
        return (value - self.mean) / self.deviation


class ZeroCostEvaluator(Evaluator):
    """Scores networks instead of training them.

    Args:
        scales: of each score by its name; their places are averaged.
        probe: what the scores look at.
    """

    batched: ClassVar[bool] = True
    cheap: ClassVar[bool] = True

    def __init__(self, scales: Mapping[str, Scale], probe: Probe) -> None:
        self.scales = dict(scales)
        self.probe = probe

    @property
    def notices(self) -> tuple[str, ...]:
        """That the column of accuracies holds none."""
        names = ", ".join(self.scales)
        return (
            f"nothing is trained in the search: its accuracies are scores ({names}), 0.5 for the "
            f"mean of {REFERENCE_NETWORKS} random networks of the space, 0.05 more for each "
            "standard deviation; finalists are trained",
        )

    def evaluate(self, requests: Sequence[Request]) -> list[Measurements]:
        """The scores under their names, and their place as `accuracy`."""
        return [self._score(request.architecture) for request in requests]

    def _score(self, architecture: Architecture) -> Measurements:
        found: Measurements = {}
        places = []
        for name, scale in self.scales.items():
            value = score_of(name).measure(architecture, self.probe)
            if not math.isfinite(value):
                return {"error": f"the score {name} of network {architecture.id} is not finite"}
            found[name] = value
            places.append(scale.place(value))
        place = sum(places) / len(places)
        return {"accuracy": min(1.0, max(0.0, 0.5 + _STEP * place)), **found}


def make_zero_cost(
    names: Sequence[str], space: SearchSpace, probe: Probe, seed: int = 0
) -> ZeroCostEvaluator:
    """Scores on a common scale, which is measured on random networks of the space.

    Args:
        names: of `registry.SCORES`, at least one.
        probe: what the scores look at.
        seed: of the random networks.

    Raises:
        InputError: a score is the same for all of them, so that it ranks nothing, or is not finite
            for most.
    """
    rows = space.sample(np.random.default_rng([seed, 7]), REFERENCE_NETWORKS)
    networks = [space.decode(row) for row in rows]
    return ZeroCostEvaluator({name: _scale(name, networks, probe) for name in names}, probe)


def _scale(name: str, networks: Sequence[Architecture], probe: Probe) -> Scale:
    measure = score_of(name).measure
    values = np.array([measure(network, probe) for network in networks])
    values = values[np.isfinite(values)]
    if 2 * len(values) < len(networks):
        raise InputError(
            f"the score {name} is not finite for {len(networks) - len(values)} of {len(networks)} "
            "random networks of the space: take another score"
        )
    deviation = float(values.std())
    if deviation < 1e-9 * max(1.0, abs(float(values.mean()))):
        raise InputError(
            f"the score {name} is the same for {len(values)} random networks of the space, so it "
            "ranks none of them: take another score"
        )
    return Scale(float(values.mean()), deviation)

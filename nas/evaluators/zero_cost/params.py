"""The number of parameters: the plainest score, which every other has to beat."""

import math

from effsearch.nas.evaluators.zero_cost.score import Probe, Score
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost


def _measure(architecture: Architecture, probe: Probe) -> float:
    return math.log(cost(architecture).params)


SCORE = Score(name="params", label="log parameters", measure=_measure, closed_form=True)

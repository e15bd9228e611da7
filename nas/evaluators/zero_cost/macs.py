"""Multiply-adds at the network's own resolution."""

import math

from effsearch.nas.evaluators.zero_cost.score import Probe, Score
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost


def _measure(architecture: Architecture, probe: Probe) -> float:
    return math.log(cost(architecture).macs)


SCORE = Score(name="macs", label="log multiply-adds", measure=_measure, closed_form=True)

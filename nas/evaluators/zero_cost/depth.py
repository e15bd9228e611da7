"""Convolutions on the way from the image to the features."""

from effsearch.nas.evaluators.zero_cost.score import Probe, Score
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.operations import block_layers
from effsearch.search_spaces.operations.layer import Convolution


def _measure(architecture: Architecture, probe: Probe) -> float:
    return float(
        sum(
            isinstance(layer, Convolution)
            for block in architecture.blocks
            for layer in block_layers(block)
        )
    )


SCORE = Score(name="depth", label="convolutions in a row", measure=_measure, closed_form=True)

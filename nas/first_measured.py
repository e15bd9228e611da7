"""Latencies that are measured of the networks of a batch before these are asked for."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from effsearch.nas.cost_model import LATENCY, PREDICTED
from effsearch.nas.problem import Candidate
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError

Latencies = Callable[[Sequence[Architecture]], Sequence[float | EffsearchError]]
"""Milliseconds of networks; an error for one that cannot be measured."""

_SECOND_TRY = "its latency was measured only on the second attempt"


class FirstMeasured:
    """Measured latencies in place of predicted ones, and why a network has none."""

    def __init__(self, latencies: Latencies) -> None:
        self._latencies = latencies
        self._causes: dict[str, str] = {}  # by the network's id

    def measured(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The candidates with measured latencies; one that could not be measured has a predicted
        latency alone among its costs."""
        if not candidates:
            return []
        found = self._latencies([candidate.architecture for candidate in candidates])
        return [self._with(*pair) for pair in zip(candidates, found, strict=True)]

    def why_not(self, candidate: Candidate) -> str | None:
        """Why a network could not be measured, None where it was; a stop may have come before that
        was recorded."""
        if LATENCY in candidate.costs:
            return None
        if candidate.id in self._causes:
            return self._causes[candidate.id]
        (found,) = self._latencies([candidate.architecture])
        return str(found) if isinstance(found, EffsearchError) else _SECOND_TRY

    def _with(self, candidate: Candidate, found: float | EffsearchError) -> Candidate:
        costs = candidate.costs | {PREDICTED: candidate.costs[LATENCY]}
        if isinstance(found, EffsearchError):
            self._causes[candidate.id] = str(found)
            del costs[LATENCY]
        else:
            costs[LATENCY] = found
        return replace(candidate, costs=costs)

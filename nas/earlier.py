"""What earlier runs and tables have measured, as a new search takes it in."""

from collections.abc import Sequence
from dataclasses import dataclass

from effsearch.nas.problem import Result


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """Measurements of one source.

    Attributes:
        source: what they were read from, such as `run baseline/001`.
        results: networks of the space that is searched, with the costs and rewards that they
            have in this search; accuracies as measured there. In the order measured, no network
            twice.
        same: whether they were measured as this search measures: same data, recipe and evaluator.
            Others differ from it by what is learned: an offset, a slope, and doubt.
    """

    source: str
    results: Sequence[Result]
    same: bool

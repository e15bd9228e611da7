"""How the strategies stand: means over seeds with intervals, and regret."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from effsearch.nas.bench.runner import Trace
from effsearch.results.bench_files import interval as interval
from effsearch.search_spaces.errors import EffsearchError

_EQUAL = 1e-12  # rewards that differ by rounding alone


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One strategy after so many evaluations.

    Attributes:
        reward: mean over the seeds of the incumbent's noise-free reward.
        half_width: of its 95% interval (Student's t over the seeds).
        low, high: the interval, which ends at the best there is where that is known.
        reached: seeds that reached the best there is; None where that is not known. Where it is
            more than half of them, the seeds hardly differ and the interval covers less often
            than it says.
        regret: what is missing, on average, to the best there is (or that any search saw).
    """

    strategy: str
    evaluations: int
    reward: float
    half_width: float
    low: float
    high: float
    reached: int | None
    regret: float
    seeds: int

    @property
    def crowded(self) -> bool:
        """Whether so many seeds reached the best that their number says more than the interval."""
        return self.reached is not None and 2 * self.reached > self.seeds

    def to_dict(self) -> dict[str, str | int | float | None]:
        """JSON-ready; None where there is no number, as before any evaluation succeeded."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }


def standings(traces: Sequence[Trace], marks: Iterable[int], best: float | None) -> list[Standing]:
    """Of every strategy at every mark, in the order the strategies come.

    Args:
        traces: of equally many evaluations.
        marks: numbers of evaluations, at most those of the traces.
        best: highest reward there is; None for the best that any trace reached.

    Raises:
        EffsearchError: not one evaluation succeeded.
    """
    by_name = grouped(traces)
    reached = [reward for trace in traces for reward in trace.rewards if not math.isnan(reward)]
    if not reached:
        raise EffsearchError(f"all evaluations failed: {_cause(traces)}")
    known = max(reached) if best is None else best
    found = []
    for name, runs in by_name.items():
        for mark in marks:
            rewards = np.array([trace.rewards[mark - 1] for trace in runs])
            mean, half = interval(rewards)
            found.append(
                Standing(
                    strategy=name,
                    evaluations=mark,
                    reward=mean,
                    half_width=half,
                    low=mean - half,
                    high=mean + half if best is None else min(mean + half, best),
                    reached=None if best is None else int((rewards >= best - _EQUAL).sum()),
                    regret=known - mean,
                    seeds=len(runs),
                )
            )
    return found


def _cause(traces: Sequence[Trace]) -> str:
    first = next((trace.error for trace in traces if trace.error), "")
    return first or (
        "the table lacks every network asked for; --table-missing nearest takes the nearest one's "
        "values"
    )


def grouped(traces: Iterable[Trace]) -> Mapping[str, list[Trace]]:
    """Traces by strategy."""
    by_name: dict[str, list[Trace]] = {}
    for trace in traces:
        by_name.setdefault(trace.strategy, []).append(trace)
    return by_name

"""Winners are measured end to end before they are reported: a table predicts, it does not know.

Measured is what tables hold and a search aims at: a network's quick runs, the tenth percentile of
its times. Other work on the machine makes runs slower, so the median says more about that work;
it is told beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from effsearch.latency.base_meter import DeviceMeter, Latency
from effsearch.nas.cost_model import LATENCY, PREDICTED
from effsearch.nas.latency_target import LatencySource
from effsearch.nas.latency_trials import BESIDE, measure_in_turn, measure_one_by_one
from effsearch.nas.objective import Objective
from effsearch.nas.ray_meter import RemoteMeter
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError
from effsearch.search_spaces.notation import parse_stored
from effsearch.search_spaces.units import format_ms

MOST = 5
"""How many of the best are measured at most, until one of them meets a hard target."""

_MEETS = 0.01
"""How far above a hard target still meets it: no measurement is surer."""

_STEADY = 0.03  # a device's speed differs by so much from hour to hour


class MeterError(EffsearchError):
    """A network of a search could not be measured; the search goes on when it can be."""


@dataclass(frozen=True)
class Checked:
    """A network of the search, predicted and measured."""

    trial: Trial
    latency: Latency

    @property
    def measured_ms(self) -> float:
        """Its quick runs."""
        return self.latency.timing.low_ms

    @property
    def predicted_ms(self) -> float:
        """By the table, as the search knew it."""
        costs = self.trial.costs
        return float(costs.get(PREDICTED, costs[LATENCY]))

    @property
    def error(self) -> float:
        """By how much the network is slower than predicted, as a fraction."""
        return self.measured_ms / self.predicted_ms - 1.0


@dataclass(frozen=True)
class LatencyCheck:
    """What measuring the best networks showed.

    Attributes:
        winner: the one to report.
        tried: all that were measured, best in the search first.
        target_ms: None where latency was no target.
        failed: trials whose networks the device did not run, and why.
        drift: by how much networks of the table are slower now than when it was measured, as a
            fraction; None where none of them was measured again.
    """

    winner: Checked
    tried: tuple[Checked, ...]
    target_ms: float | None
    failed: tuple[tuple[Trial, EffsearchError], ...] = ()
    drift: float | None = None

    @property
    def error_of_target(self) -> float | None:
        """By how much the winner is slower than wanted, as a fraction."""
        return None if self.target_ms is None else self.winner.measured_ms / self.target_ms - 1.0

    @property
    def notes(self) -> list[str]:
        """What a user should know beside the numbers: networks passed over, a noisy machine."""
        said = [f"trial {trial.number} was skipped: {error}" for trial, error in self.failed]
        slower = [str(one.trial.number) for one in self.tried if one is not self.winner]
        if slower:
            said.append(
                f"measured {len(self.tried)} of the best for the target of "
                f"{format_ms(self.target_ms or 0.0)}: too slow: trial {', '.join(slower)}"
            )
        if self.drift is not None and abs(self.drift) > _STEADY:
            now = f"{abs(self.drift):.1%} {'slower' if self.drift > 0 else 'faster'}"
            said.append(
                f"the device runs networks of the table {now} than when it was measured, and "
                "predictions are off by as much: keep the machine quiet, or build the table anew"
            )
        return said + ([self.winner.latency.warning] if self.winner.latency.warning else [])

    def to_dict(self) -> dict[str, Any]:
        """For `baseline.json`."""
        return {
            "target_ms": self.target_ms,
            "predicted_ms": self.winner.predicted_ms,
            "measured_ms": self.winner.measured_ms,
            "timing": self.winner.latency.to_dict(),
            "error_of_prediction": self.winner.error,
            "error_of_target": self.error_of_target,
            "drift_of_table": self.drift,
            "warning": self.winner.latency.warning,
            "tried": [
                {
                    "trial": one.trial.number,
                    "accuracy": one.trial.accuracy,
                    "predicted_ms": one.predicted_ms,
                    "measured_ms": one.measured_ms,
                }
                for one in self.tried
            ],
            "failed": [
                {"trial": trial.number, "error": str(error)} for trial, error in self.failed
            ],
        }


def check_latency(
    source: LatencySource, objective: Objective, candidates: Sequence[Trial]
) -> LatencyCheck:
    """Measure the best network, and the next ones while a hard target on latency is missed.

    Where none of the first five meets it, the highest reward with the measured latency wins. A
    network that the device does not run is passed over.

    Args:
        source: of the search.
        objective: of the search.
        candidates: at least one finished trial, best first.

    Raises:
        EffsearchError: the device fails, or ran none of the first five.
    """
    target = next((target for target in objective.targets if target.metric == LATENCY), None)
    hard = target is not None and target.kind == "hard"
    limit = None if target is None else target.limit
    chosen = candidates[:MOST]
    networks = [parse_stored(trial.architecture) for trial in chosen]
    tried: list[Checked] = []
    failed: list[tuple[Trial, EffsearchError]] = []
    measured, drift = _measure(source, networks)
    for trial, found in zip(chosen, measured, strict=True):
        if isinstance(found, EffsearchError):
            failed.append((trial, found))
            continue
        tried.append(Checked(trial, found))
        if limit is None or not hard or found.timing.low_ms <= limit * (1.0 + _MEETS):
            return LatencyCheck(tried[-1], tuple(tried), limit, tuple(failed), drift)
    if not tried:
        raise failed[0][1]
    best = max(tried, key=lambda one: _reward(objective, one))
    return LatencyCheck(best, tuple(tried), limit, tuple(failed), drift)


def measure_networks(
    source: LatencySource, networks: Sequence[Architecture]
) -> Iterator[Latency | EffsearchError]:
    """Each network's latency, in their order, or why it has none.

    Raises:
        EffsearchError: the device fails, whatever it is given to run.
    """
    return _measure(source, networks)[0]


def _measure(
    source: LatencySource, networks: Sequence[Architecture]
) -> tuple[Iterator[Latency | EffsearchError], float | None]:
    """The same, and the drift of the table where some of its networks were run beside."""
    meter, table = source.meter, source.predictor.table
    beside = list(table.networks)[:BESIDE]
    if isinstance(meter, RemoteMeter):
        found = meter.measure(networks, beside)
    elif isinstance(meter, DeviceMeter):
        found = list(measure_in_turn(meter, networks, beside))
    else:
        return measure_one_by_one(meter, networks, table), None
    ratios = [
        now.timing.low_ms / table.networks[network].low_ms
        for network, now in zip(beside, found[len(networks) :], strict=True)
        if isinstance(now, Latency)
    ]
    return iter(found[: len(networks)]), median(ratios) - 1.0 if ratios else None


def _reward(objective: Objective, one: Checked) -> float:
    costs = one.trial.costs | {LATENCY: one.measured_ms}
    return float(objective.reward(one.trial.accuracy or 0.0, costs))

"""Winners are measured end to end before they are reported: a table predicts, it does not know.

Measured is what tables hold and a search aims at: a network's quick runs, the tenth percentile of
its times. Other work on the machine makes runs slower, so the median says more about that work;
it is told beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nas.known_costs import LATENCY, PREDICTED
from nas.latency_target import LatencySource
from nas.objective import Objective
from results.trials import Trial
from search_spaces.amounts import format_ms
from search_spaces.architecture import Architecture
from search_spaces.errors import EffsearchError
from search_spaces.latency.meter import DeviceMeter, Latency, measure
from search_spaces.latency.program import network_program
from search_spaces.latency.timing import sample_in_turn
from search_spaces.notation import parse_architecture

MOST = 5
"""How many of the best are measured at most, until one of them meets a hard target."""

_BESIDE = 6  # networks of the table
_ROUNDS, _PASSES = 16, 2
_MEETS = 0.01
"""How far above a hard target still meets it: no measurement is surer."""


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
    """

    winner: Checked
    tried: tuple[Checked, ...]
    target_ms: float | None

    @property
    def error_of_target(self) -> float | None:
        """By how much the winner is slower than wanted, as a fraction."""
        return None if self.target_ms is None else self.winner.measured_ms / self.target_ms - 1.0

    @property
    def notes(self) -> list[str]:
        """What a user should know beside the numbers: networks passed over, a noisy machine."""
        said = []
        slower = [str(one.trial.number) for one in self.tried if one is not self.winner]
        if slower:
            said.append(
                f"measured {len(self.tried)} of the best for the target of "
                f"{format_ms(self.target_ms or 0.0)}: too slow is trial {', '.join(slower)}"
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
        }


def check_latency(
    source: LatencySource, objective: Objective, candidates: Sequence[Trial]
) -> LatencyCheck:
    """Measure the best network, and the next ones while a hard target on latency is missed.

    Where none of the first five meets it, the highest reward with the measured latency wins.

    Args:
        source: of the search.
        objective: of the search.
        candidates: at least one finished trial, best first.

    Raises:
        EffsearchError: a measurement failed.
    """
    target = next((target for target in objective.targets if target.metric == LATENCY), None)
    hard = target is not None and target.kind == "hard"
    limit = None if target is None else target.limit
    chosen = candidates[: MOST if hard else 1]
    networks = [parse_architecture(trial.architecture) for trial in chosen]
    tried: list[Checked] = []
    for trial, latency in zip(chosen, measure_networks(source, networks), strict=True):
        one = Checked(trial, latency)
        tried.append(one)
        if limit is None or not hard or one.measured_ms <= limit * (1.0 + _MEETS):
            return LatencyCheck(one, tuple(tried), limit)
    return LatencyCheck(max(tried, key=lambda one: _reward(objective, one)), tuple(tried), limit)


def measure_networks(source: LatencySource, networks: Sequence[Architecture]) -> Iterator[Latency]:
    """The latencies of networks, in their order; a command is called as they are asked for.

    Raises:
        EffsearchError: a measurement failed.
    """
    if isinstance(source.meter, DeviceMeter):
        return _in_turn(source.meter, networks, list(source.predictor.table.networks)[:_BESIDE])
    return (measure(source.meter, network) for network in networks)


def _in_turn(
    meter: DeviceMeter, networks: Sequence[Architecture], beside: Sequence[Architecture]
) -> Iterator[Latency]:
    """All at once, in turn with networks of the table and as often as these were measured.

    A network that is run again and again finds its weights in the caches and is up to a tenth
    quicker than its table says.
    """
    timed = [meter.prepare(network_program(network)) for network in (*networks, *beside)]
    passes = [sample_in_turn(timed, _ROUNDS) for _ in range(_PASSES)]
    for network, *timings in zip(networks, *passes, strict=False):
        quickest = min(timings, key=lambda timing: timing.low_ms)
        yield Latency(timing=quickest, setting=meter.setting, resolution=network.resolution)


def _reward(objective: Objective, one: Checked) -> float:
    costs = one.trial.costs | {LATENCY: one.measured_ms}
    return float(objective.reward(one.trial.accuracy or 0.0, costs))

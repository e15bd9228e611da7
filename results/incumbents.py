"""Several searches on the same axes: what each had found after equally many evaluations."""

from collections.abc import Sequence
from dataclasses import dataclass

from effsearch.results.store.run_data import RunData
from effsearch.results.store.trials import Trial, top
from effsearch.search_spaces.errors import InputError

_DECISIVE = ("objective", "data", "space", "evaluator")


@dataclass(frozen=True, kw_only=True)
class Incumbent:
    """The best that one run had found after `budget` evaluations, and at its end.

    Attributes:
        evaluations: ended in the whole run, failed ones included.
        budget: evaluations that count here, the same for all runs.
        reward, accuracy, macs, params, trial: of the best within the budget; None for none.
        seconds: from the first ask to the end of the budget's last evaluation.
        final_reward: the best reward of the whole run.
    """

    run: str
    status: str
    strategy: str | None
    seed: int | None
    evaluations: int
    budget: int
    reward: float | None
    accuracy: float | None
    macs: float | None
    params: float | None
    trial: int | None
    seconds: float | None
    final_reward: float | None


def ended_trials(data: RunData) -> list[Trial]:
    """Trials that ended, in the order they were asked: the x axis of every comparison."""
    return [trial for trial in data.trials if trial.state != "waiting"]


def common_budget(runs: Sequence[RunData], wanted: int | None = None) -> int:
    """Evaluations that every run has ended, or fewer where fewer are wanted.

    Raises:
        InputError: more are wanted than a run has.
    """
    shortest = min(runs, key=lambda data: len(ended_trials(data)))
    most = len(ended_trials(shortest))
    if wanted is not None and wanted > most:
        raise InputError(
            f"run {shortest.reference} has ended {most} evaluations, not {wanted}: "
            f"give --budget {most} or less, or leave that run out"
        )
    return most if wanted is None else wanted


def incumbents(runs: Sequence[RunData], budget: int) -> list[Incumbent]:
    """One incumbent a run, in the order given."""
    return [_incumbent(data, budget) for data in runs]


def differences(runs: Sequence[RunData]) -> list[str]:
    """What makes rewards of these runs incomparable: keys of the record that are not all equal."""
    first = runs[0].record
    return [
        key for key in _DECISIVE if any(data.record.get(key) != first.get(key) for data in runs)
    ]


def _incumbent(data: RunData, budget: int) -> Incumbent:
    within = ended_trials(data)[:budget]
    best = next(iter(top(within, 1)), None)
    ends = [trial.finished_at for trial in within if trial.finished_at is not None]
    return Incumbent(
        run=data.reference,
        status=data.status,
        strategy=data.record["config"].get("strategy"),
        seed=data.record.get("seed"),
        evaluations=len(ended_trials(data)),
        budget=budget,
        reward=best.reward if best else None,
        accuracy=best.accuracy if best else None,
        macs=best.costs.get("macs") if best else None,
        params=best.costs.get("params") if best else None,
        trial=best.number if best else None,
        seconds=max(ends) - min(trial.asked_at for trial in within) if ends else None,
        final_reward=data.best.reward if data.best else None,
    )

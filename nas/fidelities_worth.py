"""What shorter trainings told of whole ones, for the answer of a search that had both."""

from collections.abc import Sequence
from typing import Any

from effsearch.nas.evaluators.zero_cost.worth import worth_of
from effsearch.nas.fidelities import Fidelities
from effsearch.nas.strategies.base import Strategy
from effsearch.results.store.trials import Trial


def judge_fidelities(
    fidelities: Fidelities, strategy: Strategy, trials: Sequence[Trial]
) -> list[dict[str, Any]]:
    """A row for each number of epochs, the most first.

    `trainings` that ended, and their `seconds`; `correlation` that the model has learned, of what
    such trainings see with what whole ones see, noise aside; `kendall_tau` of the accuracies of the
    networks that were trained for so long and wholly too, of which there are `both`.
    """
    done = [trial for trial in trials if trial.state == "done" and trial.accuracy is not None]
    whole = {trial.arch_id: trial.accuracy for trial in done if trial.epochs is None}
    learned = strategy.learned_correlations()
    rows = []
    for level in fidelities.levels:
        here = [trial for trial in done if trial.epochs == level]
        row: dict[str, Any] = {
            "epochs": level or fidelities.whole,
            "trainings": len(here),
            "seconds": round(sum(trial.seconds or 0.0 for trial in here), 1),
        }
        if level is not None:
            both = [trial for trial in here if trial.arch_id in whole]
            worth = worth_of(
                "epochs",
                f"{level} epochs",
                [trial.accuracy or 0.0 for trial in both],
                [whole[trial.arch_id] or 0.0 for trial in both],
            )
            row |= {"both": len(both), "kendall_tau": worth.kendall_tau}
            row["correlation"] = learned.get(level)
        rows.append(row)
    return rows

"""What is said about a run: one line in a list of runs, and a summary of its trials."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from effsearch.results.bench_progress import count_searches
from effsearch.results.store.kind_table import read_own_table
from effsearch.results.store.ledger import Asked, Event, Failed, Told, digest
from effsearch.results.store.run import Run
from effsearch.results.store.run_events import run_events, run_targets
from effsearch.results.store.trials import Trial, count_states, join_trials, top


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run in a list.

    `best_accuracy` is the accuracy of the trial with the best reward. Of a training the epochs are
    counted, and it is the best epoch's top-1 on the validation part; of a comparison of strategies
    its searches are counted.
    """

    reference: str
    path: str
    kind: str
    name: str
    created_at: str
    status: str
    asked: int
    done: int
    failed: int
    best_reward: float | None
    best_accuracy: float | None
    targets: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class FailureSummary:
    """Failed trials of one reason (`error`, `timeout`, `nan`) and the last error among them."""

    reason: str
    count: int
    example: str


def summarise(run: Run) -> RunSummary:
    """One pass over the ledger, keeping nothing of it.

    Raises:
        InputError: the ledger is corrupt before its last line, or a training's metrics are.
    """
    if run.kind == "train":
        return _summarise_training(run)
    if run.kind == "bench":
        return _summarise_bench(run)
    counts: Counter[type[Event]] = Counter()
    best_reward, best_accuracy = -math.inf, None
    for event in run_events(run):
        counts[type(event)] += 1
        if isinstance(event, Told) and event.reward > best_reward:
            best_reward, best_accuracy = event.reward, event.measurements.get("accuracy")
    return RunSummary(
        reference=run.reference,
        path=str(run.path),
        kind=run.kind,
        name=run.name,
        created_at=str(run.record["created_at"]),
        status=run.status,
        asked=counts[Asked],
        done=counts[Told],
        failed=counts[Failed],
        best_reward=best_reward if counts[Told] else None,
        best_accuracy=best_accuracy if isinstance(best_accuracy, int | float) else None,
        targets=run_targets(run),
    )


def _summarise_training(run: Run) -> RunSummary:
    rows = read_own_table(run.path, run.kind)
    recipe = run.record.get("recipe")
    planned = recipe.get("epochs") if isinstance(recipe, dict) else None
    asked = planned if isinstance(planned, int) else len(rows)
    best = max((row["top1"] for row in rows if row["top1"] is not None), default=None)
    return _without_trials(run, asked, len(rows), best)


def _summarise_bench(run: Run) -> RunSummary:
    ended, planned = count_searches(run)
    return _without_trials(run, planned, ended, None)


def _without_trials(run: Run, asked: int, done: int, best_accuracy: float | None) -> RunSummary:
    return RunSummary(
        reference=run.reference,
        path=str(run.path),
        kind=run.kind,
        name=run.name,
        created_at=str(run.record["created_at"]),
        status=run.status,
        asked=asked,
        done=done,
        failed=0,
        best_reward=None,
        best_accuracy=best_accuracy,
        targets=run_targets(run),
    )


def summarise_failures(trials: Sequence[Trial]) -> list[FailureSummary]:
    """The reasons why trials failed, the most frequent first."""
    failed = [trial for trial in trials if trial.state == "failed"]
    examples = {str(trial.reason): trial.error or "" for trial in failed}
    counted = Counter(str(trial.reason) for trial in failed)
    return [
        FailureSummary(reason=reason, count=count, example=examples[reason])
        for reason, count in counted.most_common()
    ]


def trial_document(trial: Trial) -> dict[str, Any]:
    """All there is of a trial as plain data, its curve and encoding included."""
    document = asdict(trial)
    return {"trial": document.pop("number"), "accuracy": trial.accuracy, **document}


def describe(run: Run) -> dict[str, Any]:
    """A run as one plain document: record, trial counts, failures, best trial, digest, answer; of
    a training also its epochs and the best top-1 on its validation part, of a comparison of
    strategies its searches.

    Raises:
        InputError: the ledger or the answer is corrupt.
    """
    events = list(run_events(run))
    trials = join_trials(events)
    training = summarise(run) if run.kind == "train" else None
    bench = summarise(run) if run.kind == "bench" else None
    return {
        "run": run.reference,
        "path": str(run.path),
        "status": run.status,
        "targets": run_targets(run),
        "record": run.record,
        "trials": count_states(trials),
        "failures": [asdict(failure) for failure in summarise_failures(trials)],
        "best": next((trial_document(trial) for trial in top(trials, 1)), None),
        "epochs": training and {"done": training.done, "planned": training.asked},
        "searches": bench and {"ended": bench.done, "planned": bench.asked},
        "best_top1": training and training.best_accuracy,
        "digest": digest(events),
        "answer": run.answer(),
    }

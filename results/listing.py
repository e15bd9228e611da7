"""What is said about a run: one line in a list of runs, and a summary of its trials."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from effsearch.results.conditions import in_search
from effsearch.results.failures import summarise_failures
from effsearch.results.formatting import essentials_of_record, targets
from effsearch.results.kinds.registry import kind_of
from effsearch.results.store.ledger import digest
from effsearch.results.store.run import Run
from effsearch.results.store.run_events import run_events, run_targets
from effsearch.results.store.run_index import run_directories
from effsearch.results.store.trials import Trial, count_states, join_trials, top
from effsearch.search_spaces.errors import InputError


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run in a list.

    What is counted, and what `best_accuracy` is of, is its kind's: trials and the one with the
    best reward, epochs of a training and the best of them, searches of a bench.
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
    measured: str


def summarise(run: Run) -> RunSummary:
    """One pass over what the run has written, keeping nothing of it.

    Raises:
        InputError: the ledger is corrupt before its last line, or a training's metrics are.
    """
    counts = kind_of(run.kind).following.count(run)
    return RunSummary(
        reference=run.reference,
        path=str(run.path),
        kind=run.kind,
        name=run.name,
        created_at=str(run.record["created_at"]),
        status=run.status,
        targets=run_targets(run),
        measured=in_search(run.record),
        **asdict(counts),
    )


def list_runs(root: Path) -> tuple[list[RunSummary], list[str]]:
    """Every run below a folder, the oldest first; of those that cannot be read, why.

    Whatever is wrong with one, the others are listed.
    """
    summaries, skipped = [], []
    for directory in run_directories(root):
        try:
            summary = summarise(Run.load(directory))
            json.dumps(asdict(summary), allow_nan=False)
            targets(summary.targets)
            summaries.append(summary)
        except InputError as problem:
            skipped.append(str(problem))
        except Exception as problem:  # a damaged file can hold anything
            what = f"{type(problem).__name__}: {problem}"[:200]
            skipped.append(f"{directory} is damaged ({what}): restore its files from a copy")
    return sorted(summaries, key=lambda summary: summary.created_at), skipped


def trial_document(trial: Trial) -> dict[str, Any]:
    """All there is of a trial as plain data, its curve and encoding included."""
    document = asdict(trial)
    return {"trial": document.pop("number"), "accuracy": trial.accuracy, **document}


def describe(run: Run) -> dict[str, Any]:
    """A run as one plain document: record, trial counts, failures, best trial, digest, answer; of
    a training also its epochs and the best top-1 on its validation part, of a bench its searches.

    Raises:
        InputError: the ledger or the answer is corrupt.
    """
    events = list(run_events(run))
    trials = join_trials(events)
    following = kind_of(run.kind).following
    return {
        "run": run.reference,
        "path": str(run.path),
        "status": run.status,
        "targets": run_targets(run),
        "record": run.record,
        "trials": count_states(trials),
        "failures": [asdict(failure) for failure in summarise_failures(trials)],
        "best": next((trial_document(trial) for trial in top(trials, 1)), None),
        # There for every kind, as scripts read them.
        **{"epochs": None, "searches": None, "best_top1": None},
        **following.described(following.count(run)),
        "digest": digest(events),
        "answer": run.answer(),
    }


def essentials(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What `describe` says about a run, as named lines."""
    return [
        ("run", f"{document['run']} in {document['path']}"),
        ("status", document["status"]),
        *essentials_of_record(document["record"]),
        *([("accuracy", said)] if (said := in_search(document["record"])) else []),
        *kind_of(document["record"]["kind"]).following.essentials(document),
    ]

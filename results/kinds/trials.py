"""How runs that keep a ledger of trials are listed, shown and watched."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from effsearch.results.conditions import in_search
from effsearch.results.failures import summarise_failures
from effsearch.results.formatting import NOTHING_YET, number, targets
from effsearch.results.kinds.kind import Counts, Document, Following
from effsearch.results.pareto import front_of
from effsearch.results.store.ledger import Asked, Event, Failed, Told
from effsearch.results.store.run import Run
from effsearch.results.store.run_events import run_events, run_targets
from effsearch.results.store.trials import Trial, count_states, join_trials, top
from effsearch.results.text_plot import plot_text, x_labels
from effsearch.search_spaces.units import plural

_RECENT_SECONDS = 300.0


def count_trials(run: Run) -> Counts:
    """One pass over the ledger, keeping nothing of it."""
    counts: Counter[type[Event]] = Counter()
    best_reward, best_accuracy = -math.inf, None
    shorter: set[int] = set()  # no answer
    for event in run_events(run):
        counts[type(event)] += 1
        if isinstance(event, Asked) and event.epochs is not None:
            shorter.add(event.trial)
        whole = event.trial not in shorter
        if isinstance(event, Told) and whole and event.reward > best_reward:
            best_reward, best_accuracy = event.reward, event.measurements.get("accuracy")
    return Counts(
        asked=counts[Asked],
        done=counts[Told],
        failed=counts[Failed],
        best_reward=best_reward if best_reward > -math.inf else None,
        best_accuracy=best_accuracy if isinstance(best_accuracy, int | float) else None,
    )


def _essentials(document: Document) -> list[tuple[str, str]]:
    best = document["best"]
    found = (
        f"trial {best['trial']}, reward {number('reward', best['reward'])}, "
        f"accuracy {number('accuracy', best['accuracy'])}"
        if best
        else NOTHING_YET
    )
    return [
        ("target", targets(document["targets"])),
        ("trials", ", ".join(f"{count} {state}" for state, count in document["trials"].items())),
        ("best", found),
        ("digest", document["digest"]),
    ]


def _look(run: Run) -> dict[str, Any]:
    """`a_minute` is the trials that ended a minute over the last five minutes of the search;
    `workers` those that ended a trial in that time.
    """
    trials = join_trials(run_events(run))
    best = next(iter(top(trials, 1)), None)
    recent, placed = _recent(trials), _placed(trials)
    return {
        "targets": run_targets(run),
        "samples": run.config.get("samples"),
        "trials": count_states(trials),
        "a_minute": _rate(trials, recent),
        "workers": len({trial.worker for trial in recent}),
        "failures": {one.reason: one.count for one in summarise_failures(trials)},
        "best": best
        and {"trial": best.number, "reward": best.reward, "accuracy": best.accuracy, **best.costs},
        "front": _points(front_of(placed).trials if placed else []),
        "points": _points(placed),
        "measured": in_search(run.record),
    }


def _line(document: Document) -> list[str]:
    counts, wanted = document["trials"], document["samples"]
    ended = counts["done"] + counts["failed"]
    return [
        f"{ended}{f'/{wanted}' if wanted else ''} ended, {counts['failed']} failed",
        f"{document['a_minute']:.1f} a minute on {plural(document['workers'], 'worker')}",
        _best_text(document["best"]),
    ]


def _picture(document: Document) -> list[str]:
    failures = ", ".join(f"{count} {reason}" for reason, count in document["failures"].items())
    return [
        f"target: {targets(document['targets'])}; failures: {failures or 'none'}",
        *([f"accuracy {document['measured']}"] if document["measured"] else []),
        "",
        *front_text(document["points"], document["front"]),
    ]


def front_text(points: Sequence[Sequence[float]], front: Sequence[Sequence[float]]) -> list[str]:
    """Accuracy (upwards) against MACs as text: `.` a network, `o` one of the front."""
    if not points:
        return [NOTHING_YET]
    left = number("macs", min(x for x, _ in points))
    right = number("macs", max(x for x, _ in points))
    return [
        *plot_text(points, front),
        x_labels(left, f"MACs {right}"),
        "accuracy upwards; o: no network beats it in both",
    ]


def _best_text(best: dict[str, Any] | None) -> str:
    if best is None:
        return NOTHING_YET
    macs = f", {number('macs', best['macs'])} MACs" if "macs" in best else ""
    return (
        f"best {number('reward', best['reward'])} (trial {best['trial']}, accuracy "
        f"{number('accuracy', best['accuracy'])}{macs})"
    )


def _placed(trials: Sequence[Trial]) -> list[Trial]:
    return [
        trial
        for trial in trials
        if trial.state == "done" and trial.accuracy is not None and "macs" in trial.costs
    ]


def _points(trials: Sequence[Trial]) -> list[list[Any]]:
    return [[trial.costs["macs"], trial.accuracy] for trial in trials]


def _recent(trials: Sequence[Trial]) -> list[Trial]:
    ended = [trial for trial in trials if trial.finished_at is not None]
    last = max((trial.finished_at or 0.0 for trial in ended), default=0.0)
    return [trial for trial in ended if (trial.finished_at or 0.0) >= last - _RECENT_SECONDS]


def _rate(trials: Sequence[Trial], recent: Sequence[Trial]) -> float:
    if not recent:
        return 0.0
    last = max(trial.finished_at or 0.0 for trial in recent)
    start = max(last - _RECENT_SECONDS, min(trial.asked_at for trial in trials))
    return 60.0 * len(recent) / max(last - start, 1e-3)


TRIALS = Following(
    count=count_trials,
    essentials=_essentials,
    grows="trials.jsonl",
    look=_look,
    line=_line,
    picture=_picture,
)

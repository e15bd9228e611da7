"""A running search followed in the terminal: best so far, front, throughput, workers, failures; of
a training its epochs, of a comparison of strategies its searches.

Only reads; the ledger is read again when it has grown.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from effsearch.results.bench_progress import SEARCHES, final_standings
from effsearch.results.formatting import NOTHING_YET, number, one_line, targets
from effsearch.results.listing import summarise, summarise_failures
from effsearch.results.pareto import pareto_trials
from effsearch.results.store.kind_table import Row, read_own_table
from effsearch.results.store.run import Run
from effsearch.results.store.run_events import run_events, run_targets
from effsearch.results.store.trials import Trial, count_states, join_trials, top

_WIDTH, _HEIGHT = 64, 12
_RECENT_SECONDS = 300.0
_GROWING = {"train": "metrics.csv", "bench": SEARCHES}


def look(run: Run) -> dict[str, Any]:
    """How a run stands now, as plain data.

    `a_minute` is the trials that ended a minute over the last five minutes of the search;
    `workers` those that ended a trial in that time.
    """
    if run.kind == "train":
        return _look_at_training(run)
    if run.kind == "bench":
        return _look_at_bench(run)
    trials = join_trials(run_events(run))
    best = next(iter(top(trials, 1)), None)
    recent = _recent(trials)
    return {
        "run": run.reference,
        "status": Run.load(run.path).status,
        "targets": run_targets(run),
        "samples": run.config.get("samples"),
        "trials": count_states(trials),
        "a_minute": _rate(trials, recent),
        "workers": len({trial.worker for trial in recent}),
        "failures": {one.reason: one.count for one in summarise_failures(trials)},
        "best": best
        and {"trial": best.number, "reward": best.reward, "accuracy": best.accuracy, **best.costs},
        "front": [[trial.costs["macs"], trial.accuracy] for trial in _front(trials)],
        "points": [[trial.costs["macs"], trial.accuracy] for trial in _placed(trials)],
    }


def _look_at_training(run: Run) -> dict[str, Any]:
    """The epochs so far instead of trials."""
    summary, rows = summarise(run), read_own_table(run.path, run.kind)
    return {
        "run": run.reference,
        "status": summary.status,
        "epochs": {"done": summary.done, "planned": summary.asked},
        "best_top1": summary.best_accuracy,
        "last": rows[-1] if rows else None,
        "top1": [row["top1"] for row in rows],
        "train_loss": [row["train_loss"] for row in rows],
    }


def _look_at_bench(run: Run) -> dict[str, Any]:
    """The searches that have ended, and how the strategies stand when all have."""
    summary = summarise(run)
    return {
        "run": run.reference,
        "status": summary.status,
        "searches": {"ended": summary.done, "planned": summary.asked},
        "standings": final_standings(read_own_table(run.path, run.kind)),
    }


def watch_run(
    run: Run, *, interval: float, once: bool, on_change: Callable[[], object] = lambda: None
) -> None:
    """Print a look whenever something changed, until the run is no longer running.

    On a terminal the picture is redrawn in place; elsewhere each change is one line. `on_change`
    is called before each look.
    """
    if once:
        on_change()
        print(picture(look(run)))
        return
    changes = _changes(run, interval, on_change)
    if not sys.stdout.isatty():
        for document in changes:
            print(status_line(document), flush=True)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(markup=False, highlight=False), auto_refresh=False) as live:
        for document in changes:
            live.update(Text(picture(document)), refresh=True)


def _changes(
    run: Run, interval: float, on_change: Callable[[], object]
) -> Iterator[dict[str, Any]]:
    """Looks at the run: the first, each one after something was recorded, and the last."""
    size, status = -1, ""
    growing = run.path / _GROWING.get(run.kind, run.paths.ledger.name)
    while True:
        now = growing.stat().st_size if growing.exists() else 0
        alive = Run.load(run.path).status
        if now != size or alive != status:
            size, status = now, alive
            on_change()
            yield look(run)
        if status != "running":
            return
        time.sleep(interval)


def status_line(document: dict[str, Any]) -> str:
    """A look in one line."""
    if "epochs" in document:
        return _training_line(document)
    if "searches" in document:
        return _bench_line(document)
    counts, best = document["trials"], document["best"]
    wanted = document["samples"]
    ended = counts["done"] + counts["failed"]
    parts = [
        f"{document['run']} {document['status']}",
        f"{ended}{f'/{wanted}' if wanted else ''} ended, {counts['failed']} failed",
        f"{document['a_minute']:.1f} a minute on {document['workers']} workers",
        _best_text(best),
    ]
    return one_line("; ".join(parts))


def picture(document: dict[str, Any]) -> str:
    """A look as a block of text: the line above, then targets, failures and the front, the top-1
    of a training over its epochs, or the standings of strategies."""
    if "epochs" in document:
        points = [
            (epoch, top1) for epoch, top1 in enumerate(document["top1"], 1) if top1 is not None
        ]
        return "\n".join([status_line(document), "", *_curve_text(points)])
    if "searches" in document:
        return "\n".join([status_line(document), "", *_standings_text(document["standings"])])
    failures = ", ".join(f"{count} {reason}" for reason, count in document["failures"].items())
    lines = [
        status_line(document),
        f"target: {targets(document['targets'])}; failures: {failures or 'none'}",
        "",
        *front_text(document["points"], document["front"]),
    ]
    return "\n".join(lines)


def _training_line(document: dict[str, Any]) -> str:
    epochs, last, best = document["epochs"], document["last"], document["best_top1"]
    parts = [
        f"{document['run']} {document['status']}",
        f"{epochs['done']}/{epochs['planned']} epochs",
    ]
    if last:
        parts.append(f"training loss {last['train_loss']:.4f}")
        parts.append(f"{last['images_per_second']:.0f} images a second")
    parts.append("no top-1 yet" if best is None else f"best top-1 {best:.4f}")
    return one_line("; ".join(parts))


def _bench_line(document: dict[str, Any]) -> str:
    searches, standings = document["searches"], document["standings"]
    parts = [
        f"{document['run']} {document['status']}",
        f"{searches['ended']}/{searches['planned']} searches ended",
    ]
    if standings:
        best = standings[0]
        parts.append(
            f"best {best['strategy']}, mean reward {number('reward', best['reward'])} after "
            f"{best['evaluations']} evaluations"
        )
    return one_line("; ".join(parts))


def _standings_text(standings: Sequence[Row]) -> list[str]:
    """Mean reward of each strategy after the last evaluation, the best first."""
    if not standings:
        return ["the strategies are compared when all searches have ended"]
    width = max(len(row["strategy"]) for row in standings)
    return [
        one_line(
            f"{row['strategy']:<{width}}  {number('reward', row['reward'])} ± "
            f"{number('reward', row['half_width'])} (regret {number('reward', row['regret'])})"
        )
        for row in standings
    ]


def _curve_text(points: Sequence[Sequence[float]]) -> list[str]:
    """Top-1 (upwards) over epochs."""
    if not points:
        return ["no finished epochs yet"]
    left, right = "epoch 1", f"{points[-1][0]:g}"
    return [
        *_plot_text(points, ()),
        " " * 9 + left + right.rjust(_WIDTH - len(left)),
        "top-1 on the validation part upwards",
    ]


def front_text(points: Sequence[Sequence[float]], front: Sequence[Sequence[float]]) -> list[str]:
    """Accuracy (upwards) against MACs as text: `.` a network, `o` one of the front."""
    if not points:
        return [NOTHING_YET]
    left = number("macs", min(x for x, _ in points))
    right = number("macs", max(x for x, _ in points))
    return [
        *_plot_text(points, front),
        " " * 9 + left + f"MACs {right}".rjust(_WIDTH - len(left)),
        "accuracy upwards; o: no network beats it in both",
    ]


def _plot_text(points: Sequence[Sequence[float]], marked: Sequence[Sequence[float]]) -> list[str]:
    """Points as `.` and marked ones as `o` over an axis, the largest y on top."""
    x_low, x_high = min(x for x, _ in points), max(x for x, _ in points)
    y_low, y_high = min(y for _, y in points), max(y for _, y in points)
    rows = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    for sign, group in ((".", points), ("o", marked)):
        for x, y in group:
            column = round((x - x_low) / ((x_high - x_low) or 1) * (_WIDTH - 1))
            row = round((y - y_low) / ((y_high - y_low) or 1) * (_HEIGHT - 1))
            rows[_HEIGHT - 1 - row][column] = sign
    labels = {0: f"{y_high:.4f}", _HEIGHT - 1: f"{y_low:.4f}"}
    lines = [f"{labels.get(place, ''):>7} |{''.join(row)}" for place, row in enumerate(rows)]
    return [*lines, " " * 8 + "+" + "-" * _WIDTH]


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


def _front(trials: Sequence[Trial]) -> list[Trial]:
    placed = _placed(trials)
    return pareto_trials(placed) if placed else []


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

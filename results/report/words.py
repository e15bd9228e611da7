"""What a run found, said in words: the answer, the budget, how sure it is, and what to run next."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results.run_data import RunData
from results.standing import ended_trials
from results.trials import count_states
from results.wording import NOTHING_YET, number
from search_spaces.amounts import format_count

_WORTH_RESUMING = 0.25
_MANY_FAILURES = 0.1
_STATUS = {
    "running": "This search is still running: what follows is as of now.",
    "interrupted": "This search was stopped before its end: what follows is what it had found.",
    "failed": "This run failed",
    "infeasible": "This run ended without a network that meets the target",
}


@dataclass(frozen=True)
class Step:
    """Something to run next: why, and the command."""

    why: str
    command: str


@dataclass(frozen=True)
class Words:
    """The opening of a report: sentences, and steps."""

    sentences: tuple[str, ...]
    steps: tuple[Step, ...]


def tell(data: RunData) -> Words:
    """The opening for a run of any kind, in any state."""
    said = _status(data)
    if data.kind == "coefficients" and data.answer:
        steps = (Step("Grow the family", _command(data, "scale", "")),)
        return Words((*said, *_coefficients(data.answer)), steps)
    if data.kind != "baseline":
        return Words(tuple(said), ())
    if data.winner is None or not data.done:
        return Words((*said, f"The search has {NOTHING_YET}."), _go_on(data))
    said += [_found(data), _budget(data), *_certainty(data)]
    return Words(tuple(said), tuple(_next(data)))


def _status(data: RunData) -> list[str]:
    if data.status not in _STATUS:
        return []
    error = data.record.get("error")
    ending = f": {error}" if error and data.status in ("failed", "infeasible") else ""
    return [_STATUS[data.status].rstrip(".") + ending + "."]


def _coefficients(answer: Mapping[str, Any]) -> list[str]:
    """What a grid found; keys of `coefficients.json`."""
    found = ", ".join(
        f"{name} = {number(name, answer.get(name))}" for name in ("alpha", "beta", "gamma")
    )
    said = [
        f"Found: {found}; the network it gives scored {_percent(answer.get('accuracy'))} and costs "
        f"{number('ratio', answer.get('measured_ratio'))} times the baseline's multiply-adds "
        f"(nominal: {number('product', answer.get('product'))})."
    ]
    interval, ties = answer.get("accuracy_interval"), answer.get("ties")
    if isinstance(interval, list):
        low, high = (_percent(value) for value in interval)
        said.append(f"How sure: the accuracy lies between {low} and {high}.")
    if isinstance(ties, list) and ties:
        said.append(f"Networks that cannot be told from the best: {len(ties)}.")
    return said


def _found(data: RunData) -> str:
    winner = data.winner
    assert winner is not None
    accuracy = (data.answer or {}).get("accuracy") or winner.accuracy
    costs = ", ".join(
        f"{number(name, value)}{_UNITS.get(name, ' ' + name)}"
        for name, value in winner.costs.items()
    )
    where = _data_name(data)
    return (
        f"Found: network {winner.arch_id} (trial {winner.number}) with {costs}; "
        f"accuracy {_percent(accuracy)}{f' on {where}' if where else ''}."
    )


_UNITS = {
    "macs": " multiply-adds",
    "params": " parameters",
    "memory_bytes": " activation memory",
}


def _budget(data: RunData) -> str:
    winner, counts = data.winner, count_states(data.trials)
    assert winner is not None
    parts = []
    for name, target in data.targets.items():
        value = winner.costs.get(name)
        if value is not None and isinstance(target, int | float) and target > 0:
            gap = value / target - 1
            side = "under" if gap <= 0 else "over"
            parts.append(f"{number(name, target)}{_UNITS.get(name, '')} ({abs(gap):.1%} {side} it)")
        else:
            parts.append(f"{name} {number(name, target)}")
    target = f"Budget: {', '.join(parts)}. " if parts else "Budget: none was set. "
    ended = counts["done"] + counts["failed"]
    failed = f", {counts['failed']} of them failed" if counts["failed"] else ""
    strategy = data.record["config"].get("strategy")
    by = f" by {strategy}" if strategy else ""
    return f"{target}{ended:,} networks were evaluated{by}{failed}, in {_duration(data)}."


def _certainty(data: RunData) -> list[str]:
    rows = data.finalists
    verdict = (data.answer or {}).get("finalists")
    if not rows or not isinstance(verdict, Mapping):
        return [
            "How sure: not known. Each network was measured once, and the best of "
            f"{len(data.done):,} noisy measurements is partly the luckiest one."
        ]
    best = rows[0]
    seeds = len(best["seeds"])
    if verdict.get("low") is None:
        said = [
            f"How sure: {len(rows)} finalists were trained again with one seed each, which gives "
            "no interval."
        ]
    else:
        said = [
            f"How sure: {len(rows)} finalists were measured afresh over {seeds} seeds. The "
            f"accuracy lies between {_percent(verdict['low'])} and {_percent(verdict['high'])} "
            f"({verdict['confidence']:.0%} interval, corrected for having been chosen)."
        ]
    if best["search_accuracy"] is not None:
        gap = 100 * (best["accuracy"] - best["search_accuracy"])
        said.append(
            f"In the search it had scored {_percent(best['search_accuracy'])}, "
            f"{abs(gap):.1f} points {'less' if gap > 0 else 'more'}."
        )
    others = [str(row["trial"]) for row in rows[1:] if row["tied"]]
    if others:
        plural = "Trial" if len(others) == 1 else "Trials"
        said.append(f"{plural} {', '.join(others)} cannot be told from it.")
    return [" ".join(said)]


def _next(data: RunData) -> list[Step]:
    if data.status == "running":
        return [Step("Follow it", _command(data, "results watch", data.reference))]
    steps = list(_go_on(data)) if data.status == "interrupted" else []
    counts = count_states(data.trials)
    if counts["failed"] > _MANY_FAILURES * len(data.trials):
        show = _command(data, "results show", data.reference)
        steps.append(Step(f"{counts['failed']} evaluations failed: see why", show))
    order = [trial.number for trial in ended_trials(data)]
    late = data.best is not None and (
        order.index(data.best.number) >= (1 - _WORTH_RESUMING) * len(order)
    )
    if late:
        why = "The best came late, so the search was still improving: go on"
        steps.append(Step(why, _resume(data, f"--samples {2 * len(order)}")))
    if not data.finalists:
        why = "Train the best again, for an answer with an interval"
        steps.append(Step(why, _resume(data, "--finalists 5")))
    elif sum(row["tied"] for row in data.finalists) > 1:
        seeds = 2 * max(len(row["seeds"]) for row in data.finalists)
        why = "Tell the tied finalists apart with more seeds"
        steps.append(Step(why, _resume(data, f"--finalist-seeds {seeds}")))
    if data.status == "finished":
        grow = _command(data, "coefficients", f"--baseline {data.reference}")
        steps.append(Step("Find how it grows into a family", grow))
    return steps


def _go_on(data: RunData) -> tuple[Step, ...]:
    if data.status == "running":
        return (Step("Follow it", _command(data, "results watch", data.reference)),)
    if data.kind == "baseline" and data.status in ("interrupted", "failed"):
        return (Step("Go on where it stopped", _resume(data, "")),)
    return ()


def _resume(data: RunData, options: str) -> str:
    return _command(data, "baseline", f"--resume {data.reference} {options}".strip())


def _command(data: RunData, command: str, rest: str) -> str:
    return f"effsearch {command} {rest}".rstrip() + run_dir_option(data)


def run_dir_option(data: RunData) -> str:
    """What a command about this run needs where it does not lie in `runs`: ` --run-dir PATH`."""
    root = Path(data.path).parent.parent
    return "" if root == Path("runs") else f" --run-dir {shlex.quote(str(root))}"


def _data_name(data: RunData) -> str:
    recorded: Any = data.record.get("data")
    if isinstance(recorded, Mapping) and isinstance(recorded.get("name"), str):
        return Path(recorded["name"]).name
    if recorded is None:  # not proxy training: the evaluator knows what it measures
        return ""
    return str(data.record["config"].get("data") or "")


def _duration(data: RunData) -> str:
    ends = [trial.finished_at for trial in data.trials if trial.finished_at is not None]
    seconds = max(ends) - min(trial.asked_at for trial in data.trials) if ends else 0.0
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}%"


def heading(data: RunData) -> str:
    """A title such as `baseline/001: 379.7M multiply-adds, 79.57%`."""
    if data.winner is None or data.kind != "baseline":
        return data.reference
    accuracy = (data.answer or {}).get("accuracy") or data.winner.accuracy
    macs = data.winner.costs.get("macs")
    cost = "" if macs is None else f"{format_count(macs)} multiply-adds, "
    return f"{data.reference}: {cost}{_percent(accuracy)}"

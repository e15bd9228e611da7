"""Baseline runs: a search, its winner, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from effsearch.results.conditions import Conditions, of_answer
from effsearch.results.formatting import NOTHING_YET, number
from effsearch.results.incumbents import ended_trials
from effsearch.results.kinds.kind import Kind, Opening, Step
from effsearch.results.kinds.opening import command, data_name, duration, go_on, percent, resume
from effsearch.results.kinds.trials import TRIALS
from effsearch.results.plots import (
    curves,
    finalists,
    front,
    importance,
    network,
    noise,
    parallel,
    preferences,
    progress,
    ranks,
)
from effsearch.results.references import headline
from effsearch.results.store.answer import Answer
from effsearch.results.store.ledger import iterate_events
from effsearch.results.store.run_data import RunData
from effsearch.results.store.trials import count_states, join_trials, seconds_of
from effsearch.search_spaces.metrics import find_metric
from effsearch.search_spaces.units import format_count, plural

FINALISTS_LEDGER = "finalists.jsonl"
REFERENCES_LEDGER = "references.jsonl"
"""Ledgers of the trainings behind the search, in a run's directory."""

_WORTH_RESUMING = 0.25
_MANY_FAILURES = 0.1


@dataclass(frozen=True, kw_only=True)
class BaselineAnswer(Answer):
    """The content of `baseline.json`.

    Attributes:
        id, notation: of the winner; `architecture` is the winner whole.
        macs, params, memory_bytes, latency_ms: what it costs; a latency as measured.
        latency: how that was measured; None where no latency was wanted.
        accuracy: a fraction; of the finalists' longer trainings where there were any.
        accuracy_interval: None without finalists over several seeds.
        search_accuracy, reward, trial: of the winner in the search.
        chosen_by: what decided between the best.
        finalists: their trainings; None without any.
        references: published networks trained as the finalists were, and how far the winner is
            from each (`results.references`); None without any.
        conditions: of the accuracy: data, held-out images, pixels, epochs, seeds; None where
            nothing was trained.
        front: networks that none beats in accuracy and cost, where the strategy looks for them.
        calibration: what is known of a soft objective; None with any other.
        pruning: what early stopping saved; None without it.
        fidelities: of each number of epochs that networks were trained for: how many were, their
            seconds, and how accuracies go with those of whole trainings; None without any.
        estimates: of an evaluator that trains nothing: how its order of the finalists, and that of
            each zero-cost score, agrees with their trainings; None with any other.
        samples, failed: trials that ended, and those of them that failed.
        trainings_left: of finalists and references, for which a time budget left no time; None for
            none.
        costs: more costs that only this search knows, such as the memory of a batch.
    """

    schema_version: int = 1
    kind: str
    run: str
    id: str
    notation: str
    macs: int
    params: int
    memory_bytes: int
    latency_ms: float | None = None
    latency: dict[str, Any] | None = None
    accuracy: float | None
    accuracy_interval: Sequence[float] | None
    search_accuracy: float | None
    reward: float | None
    trial: int
    chosen_by: str
    finalists: dict[str, Any] | None
    references: list[dict[str, Any]] | None = None
    conditions: dict[str, Any] | None = None
    front: list[dict[str, Any]] | None = None
    targets: dict[str, Any]
    objective: str
    calibration: dict[str, Any] | None = None
    space: str
    strategy: str
    pruning: dict[str, Any] | None = None
    fidelities: list[dict[str, Any]] | None = None
    estimates: dict[str, Any] | None = None
    evaluator: str
    data: dict[str, Any] | None = None
    samples: int
    failed: int
    trainings_left: int | None = None
    seed: int
    flops_convention: str
    versions: dict[str, Any]
    architecture: dict[str, Any]
    costs: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As it is written: with the other costs beside those of every search."""
        document = super().to_dict()
        costs = document.pop("costs")
        return document | {name: costs[name] for name in costs if name not in document}


def _opening(data: RunData) -> Opening:
    if data.winner is None or not data.done:
        return Opening((f"The search has {NOTHING_YET}.",), go_on(data))
    said = (_found(data), *_against_references(data), _budget(data), *_certainty(data))
    return Opening(said, tuple(_next(data)))


def _found(data: RunData) -> str:
    winner = data.winner
    assert winner is not None
    accuracy = (data.answer or {}).get("accuracy") or winner.accuracy
    costs = ", ".join(
        f"{number(name, value)} {find_metric(name).label}" for name, value in winner.costs.items()
    )
    where = f"on {data_name(data)}" if data_name(data) else ""
    if (data.answer or {}).get("conditions") or Conditions.of(data.record):
        where = of_answer(data.record, data.answer)  # of a stopped search: those of its trials
    return (
        f"Found: network {winner.arch_id} (trial {winner.number}) with {costs}; "
        f"accuracy {percent(accuracy)} {where}".rstrip()
        + "."
    )


def _against_references(data: RunData) -> list[str]:
    """How far the winner is from published networks that were trained as it was."""
    rows = (data.answer or {}).get("references") or []
    if not rows:
        return []
    said = "; ".join(headline(row) for row in rows)
    return [f"Beside published networks trained under the same conditions: {said}."]


def _budget(data: RunData) -> str:
    winner, counts = data.winner, count_states(data.trials)
    assert winner is not None
    parts = []
    for name, target in data.targets.items():
        value = winner.costs.get(name)
        if name == "latency_ms" and (found := (data.answer or {}).get("latency")):
            value = found["measured_ms"]
        if value is not None and isinstance(target, int | float) and target > 0:
            gap = value / target - 1
            side = "under" if gap <= 0 else "over"
            wanted = f"{number(name, target)} {find_metric(name).label}"
            parts.append(f"{wanted} ({abs(gap):.1%} {side} it)")
        else:
            parts.append(f"{name} {number(name, target)}")
    target = f"Budget: {', '.join(parts)}. " if parts else "Budget: none was set. "
    ended = counts["done"] + counts["failed"]
    failed = f", {counts['failed']} of them failed" if counts["failed"] else ""
    short = sum(trial.epochs is not None for trial in data.done)
    if partial := sum(trial.partial for trial in data.done) - short:
        failed += f", {partial} stopped early"
    if short:
        failed += f", {short} of the trainings were shorter ones"
    strategy = data.record["config"].get("strategy")
    by = f" by {strategy}" if strategy else ""
    evaluated = f"{plural(ended, 'network')} {'was' if ended == 1 else 'were'} evaluated"
    return f"{target}{evaluated}{by}{failed}, in {_durations(data)}."


def _certainty(data: RunData) -> list[str]:
    rows = data.finalists
    verdict = (data.answer or {}).get("finalists")
    if not rows or not verdict:
        return [
            "How sure: not known. Each network was measured once, and the best of "
            f"{len(data.done):,} noisy measurements is partly the luckiest one."
        ]
    best = rows[0]
    seeds = len(best["seeds"])
    again = f"{plural(len(rows), 'finalist')} {'was' if len(rows) == 1 else 'were'}"
    if verdict.get("low") is None:
        said = [f"How sure: {again} trained again with one seed each, which gives no interval."]
    else:
        said = [
            f"How sure: {again} measured afresh over {plural(seeds, 'seed')}. The "
            f"accuracy lies between {percent(verdict['low'])} and {percent(verdict['high'])} "
            f"({verdict['confidence']:.0%} interval, corrected for having been chosen)."
        ]
    if best["search_accuracy"] is not None:
        gap = 100 * (best["accuracy"] - best["search_accuracy"])
        said.append(
            f"In the search it had scored {percent(best['search_accuracy'])}, "
            f"{abs(gap):.1f} points {'less' if gap > 0 else 'more'}."
        )
    others = [str(row["trial"]) for row in rows[1:] if row["tied"]]
    if others:
        which, verb = ("Trial", "is") if len(others) == 1 else ("Trials", "are")
        said.append(f"{which} {', '.join(others)} {verb} statistically tied with it.")
    return [" ".join(said)]


def _next(data: RunData) -> list[Step]:
    if data.status == "running":
        return [Step("Follow it", command(data, f"results watch {data.reference}"))]
    steps = list(go_on(data)) if data.status == "interrupted" else []
    counts = count_states(data.trials)
    if counts["failed"] > _MANY_FAILURES * len(data.trials):
        show = command(data, f"results show {data.reference}")
        steps.append(Step(f"See why {plural(counts['failed'], 'evaluation')} failed", show))
    order = [trial.number for trial in ended_trials(data)]
    late = data.best is not None and (
        order.index(data.best.number) >= (1 - _WORTH_RESUMING) * len(order)
    )
    if late:
        why = "Go on: the best came late, so the search was still improving"
        asked = data.record["config"].get("fidelities") and data.record["config"].get("samples")
        steps.append(Step(why, resume(data, f"--samples {2 * (asked or len(order))}")))
    wanted = data.record["config"].get("finalists")
    if data.status == "interrupted" and wanted and not data.finalists:
        return steps  # they come when it goes on
    if not data.finalists:
        why = "Train the best again, for an answer with an interval"
        steps.append(Step(why, resume(data, "--finalists 5")))
    elif sum(row["tied"] for row in data.finalists) > 1:
        seeds = 2 * max(len(row["seeds"]) for row in data.finalists)
        why = "Separate the tied finalists with more seeds"
        steps.append(Step(why, resume(data, f"--finalist-seeds {seeds}")))
    if data.status == "finished":
        grow = command(data, f"coefficients --baseline {data.reference}")
        steps.append(Step("Find how it grows into a family", grow))
    return steps


def _durations(data: RunData) -> str:
    """How long the search took, and what came after it."""
    said = duration(seconds_of(data.trials))
    later = {
        name: seconds_of(join_trials(iterate_events(path)))
        for name, file in (("finalists", FINALISTS_LEDGER), ("references", REFERENCES_LEDGER))
        if (path := Path(data.path) / file).exists()
    }
    names = [name for name, seconds in later.items() if seconds]
    if not names:
        return said
    return f"{said}; {' and '.join(names)} took another {duration(sum(later.values()))}"


def _heading(data: RunData) -> str:
    if data.winner is None:
        return ""
    accuracy = (data.answer or {}).get("accuracy") or data.winner.accuracy
    macs = data.winner.costs.get("macs")
    cost = "" if macs is None else f"{format_count(macs)} multiply-adds, "
    return f"{cost}{percent(accuracy)}"


KIND = Kind(
    name="baseline",
    noun="search",
    resumed_by="baseline",
    plots=(
        network.NETWORK,
        finalists.FINALISTS,
        ranks.RANKS,
        noise.NOISE,
        front.FRONT,
        progress.PROGRESS,
        curves.CURVES,
        progress.TIME,
        preferences.PREFERENCES,
        importance.IMPORTANCE,
        parallel.PARALLEL,
    ),
    opening=_opening,
    heading=_heading,
    following=TRIALS,
)

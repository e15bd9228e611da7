"""Comparison runs: ways to scale at equal cost, and which of them does best."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from effsearch.results.kinds.kind import Kind, Opening, Step
from effsearch.results.kinds.opening import (
    command,
    go_on,
    measured_how,
    percent,
    trainings,
    unfinished,
)
from effsearch.results.kinds.trials import TRIALS
from effsearch.results.plots import comparison, curves, noise
from effsearch.results.plots.comparison import METHODS
from effsearch.results.references import headline
from effsearch.results.store.answer import Answer
from effsearch.results.store.kind_table import Row, Table
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.units import format_count

TABLE = Table(
    file="comparison.csv",
    title="The networks compared",
    numbers=("budget", "macs", "budget_error", "accuracy", "low", "high"),
    flags=("tied",),
    shown=(
        "baseline", "method", "macs", "budget_error", "accuracy", "low", "high", "tied", "state",
        "network",
    ),
)  # fmt: skip
_FEW_SEEDS = 5


@dataclass(frozen=True, kw_only=True)
class ComparisonAnswer(Answer):
    """The content of `comparison.json`.

    Attributes:
        baselines: notation by name.
        coefficients: those of the compound method, and their source.
        budget_tolerance: relative; what lies farther off its budget was not trained.
        seeds: trainings of each network; `seed` is the run's.
        trainings_left: for which a time budget left no time; None for none.
        confidence, noise, interval_method: of the intervals; noise is the deviation of one
            training's accuracy, None where one seed each was trained.
        references: all three dimensions beside each one alone, by baseline and budget
            (`results.references`); None where there was nothing to compare.
        conditions: of all accuracies.
        rows: of `comparison.csv`.
    """

    schema_version: int = 1
    kind: str
    run: str
    baselines: dict[str, str]
    coefficients: dict[str, Any]
    budget_tolerance: float
    seeds: int
    seed: int
    trainings_left: int | None = None
    confidence: float
    noise: float | None
    interval_method: str
    references: list[dict[str, Any]] | None = None
    conditions: dict[str, Any] | None = None
    data: dict[str, Any]
    recipe: dict[str, Any]
    flops_convention: str
    versions: dict[str, Any]
    rows: list[dict[str, Any]]


def _opening(data: RunData) -> Opening:
    """For each baseline the best way to scale it, at the largest budget."""
    if data.answer is None or not data.rows:
        return unfinished(data, "comparison")
    answer = ComparisonAnswer.from_dict(data.answer)
    said, is_tied = [], False
    for name in dict.fromkeys(str(row["baseline"]) for row in data.rows):
        rows = [row for row in data.rows if row["baseline"] == name and row["method"] in METHODS]
        measured = [row for row in rows if row["accuracy"] is not None]
        if not measured:
            said.append(f"{name}: nothing was measured.")
            continue
        sentence, tied = _best_method(name, measured)
        said.append(sentence)
        said.extend(_headlines(answer, name))
        is_tied = is_tied or tied
    seeds = answer.seeds
    sure = (
        f"How sure: {trainings(seeds)} of each network; one training strays by "
        f"{100 * answer.noise:.1f} points."
        if answer.noise is not None
        else "How sure: not known. One training each gives no interval."
    )
    said.extend(measured_how(data))
    unreachable = sum(row["state"] == "unreachable" for row in data.rows)
    if unreachable:
        which, verb = (
            ("One network", "was") if unreachable == 1 else (f"{unreachable} networks", "were")
        )
        sure += f" {which} could not be brought to the budget, and {verb} not trained."
    steps = []
    if is_tied and seeds < _FEW_SEEDS:
        config = shlex.quote(f"{data.path}/config.yaml")
        again = f"compare-scaling --config {config} --seeds {max(3, 2 * seeds)}"
        steps.append(Step("Separate tied methods with more seeds", command(data, again)))
    steps.append(Step("Grow the family by all three", command(data, "scale")))
    return Opening((*said, sure), (*go_on(data), *steps))


def _headlines(answer: ComparisonAnswer, name: str) -> list[str]:
    """All three dimensions beside each one alone, at the largest budget."""
    rows = [row for row in answer.references or () if row["baseline"] == name]
    if not rows:
        return []
    budget = max(row["budget"] for row in rows)
    said = "; ".join(headline(row) for row in rows if row["budget"] == budget)
    return [f"All three together at {format_count(budget)}: {said}."]


def _best_method(name: str, measured: Sequence[Row]) -> tuple[str, bool]:
    """A sentence on the largest budget, and whether another method is tied with the best."""
    budget = max(row["budget"] for row in measured)
    rows = [row for row in measured if row["budget"] == budget]
    best = max(rows, key=lambda row: row["accuracy"])
    interval = "" if best["low"] is None else f" [{percent(best['low'])}, {percent(best['high'])}]"
    tied = [METHODS[row["method"]][-1] for row in rows if row["tied"] and row is not best]
    others = ""
    if tied:
        others = f"; statistically tied with it: {', '.join(tied)}"
    elif best["low"] is not None and len(rows) > 1:
        others = "; all others are behind"
    return (
        f"Found: {name} at {format_count(budget)} multiply-adds does best scaled by "
        f"{METHODS[best['method']][-1]}: {percent(best['accuracy'])}{interval}{others}."
    ), bool(tied)


def _heading(data: RunData) -> str:
    return ", ".join(dict.fromkeys(str(row["baseline"]) for row in data.rows))


KIND = Kind(
    name="comparison",
    noun="comparison",
    resumed_by="compare-scaling",
    table=TABLE,
    plots=(comparison.COMPARISON, noise.NOISE, curves.CURVES),
    opening=_opening,
    heading=_heading,
    following=TRIALS,
)

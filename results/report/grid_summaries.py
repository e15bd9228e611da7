"""What a grid of coefficients, a comparison of ways to scale and a family came to, in words."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from effsearch.results.formatting import NOTHING_YET, number
from effsearch.results.plots.comparison import METHODS
from effsearch.results.plots.family import trained_members
from effsearch.results.report.steps import Step, Words, command, go_on, percent, resume
from effsearch.results.store.kind_table import Row
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.units import format_count

_FEW_SEEDS = 5


def tell_coefficients(data: RunData) -> Words:
    """The triple, its cost and accuracy, how sure it is, and what the ties say."""
    answer = data.answer
    if answer is None:
        return _unfinished(data, "grid")
    triple = ", ".join(f"{name} = {answer[name]:g}" for name in ("alpha", "beta", "gamma"))
    said = [
        f"Found: {triple}; the network it gives scored {percent(answer.get('accuracy'))} and costs "
        f"{number('ratio', answer.get('measured_ratio'))} times the baseline's multiply-adds "
        f"(nominal: {number('product', answer.get('product'))})."
    ]
    grid = answer.get("grid")
    if isinstance(grid, Mapping):
        said.append(
            f"Budget: {grid['triples']} triples of the grid come to {grid['networks']} distinct "
            f"networks; {grid['failed']} trainings failed."
        )
    said.append(_certainty(answer))
    steps = [Step("Grow the family", command(data, f"scale --coefficients {data.reference}"))]
    ties = answer.get("ties")
    if isinstance(ties, list) and len(ties) > 1:
        said.append(
            f"Networks that cannot be told from the best: {len(ties)}, the best included; the "
            "cheapest of them was chosen."
        )
        if not answer.get("top"):
            why = "Tell the tied networks apart by longer trainings"
            steps.insert(0, Step(why, resume(data, "--top 5")))
    return Words(tuple(said), (*go_on(data), *steps))


def _certainty(answer: Mapping[str, Any]) -> str:
    interval = answer.get("accuracy_interval")
    if not isinstance(interval, list):
        return "How sure: not known. One training each, and too few networks to tell the noise."
    low, high = (percent(value) for value in interval)
    share = f" ({answer['confidence']:.0%} interval)" if "confidence" in answer else ""
    seeds = answer.get("seeds")
    over = f", by {_trainings(seeds)}" if isinstance(seeds, int) else ""
    return f"How sure: the accuracy lies between {low} and {high}{share}{over}."


def _trainings(seeds: int) -> str:
    return "one training" if seeds == 1 else f"{seeds} trainings with different seeds"


def tell_comparison(data: RunData) -> Words:
    """For each baseline the best way to scale it, at the largest budget."""
    answer = data.answer
    if answer is None or not data.rows:
        return _unfinished(data, "comparison")
    said, is_tied = [], False
    for name in dict.fromkeys(str(row["baseline"]) for row in data.rows):
        rows = [row for row in data.rows if row["baseline"] == name and row["method"] in METHODS]
        measured = [row for row in rows if row["accuracy"] is not None]
        if not measured:
            said.append(f"{name}: nothing was measured.")
            continue
        sentence, tied = _best_method(name, measured)
        said.append(sentence)
        is_tied = is_tied or tied
    seeds = int(answer["seeds"])
    sure = (
        f"How sure: {_trainings(seeds)} of each network; one training strays by "
        f"{100 * answer['noise']:.1f} points."
        if answer.get("noise") is not None
        else "How sure: not known. One training each gives no interval."
    )
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
        steps.append(Step("Tell tied methods apart with more seeds", command(data, again)))
    steps.append(Step("Grow the family by all three", command(data, "scale")))
    return Words((*said, sure), (*go_on(data), *steps))


def _best_method(name: str, measured: Sequence[Row]) -> tuple[str, bool]:
    """A sentence on the largest budget, and whether another method is tied with the best."""
    budget = max(row["budget"] for row in measured)
    rows = [row for row in measured if row["budget"] == budget]
    best = max(rows, key=lambda row: row["accuracy"])
    interval = "" if best["low"] is None else f" [{percent(best['low'])}, {percent(best['high'])}]"
    tied = [METHODS[row["method"]][-1] for row in rows if row["tied"] and row is not best]
    others = ""
    if tied:
        others = f"; not to be told from it: {', '.join(tied)}"
    elif best["low"] is not None and len(rows) > 1:
        others = "; all others are behind"
    return (
        f"Found: {name} at {format_count(budget)} multiply-adds does best scaled by "
        f"{METHODS[best['method']][-1]}: {percent(best['accuracy'])}{interval}{others}."
    ), bool(tied)


def tell_family(data: RunData) -> Words:
    """The members from smallest to largest, and what is known of their accuracy."""
    answer, rows = data.answer, sorted(data.rows, key=lambda row: row["macs"])
    if answer is None or not rows:
        return Words(("The family has no members yet.",), go_on(data))
    first, last = rows[0], rows[-1]
    members = "one network" if len(rows) == 1 else f"{len(rows)} networks"
    said = [f"Found: {members}, from {_member(first)} to {_member(last)}."]
    coefficients, baseline = answer.get("coefficients"), answer.get("baseline")
    if isinstance(coefficients, Mapping) and isinstance(baseline, Mapping):
        triple = ", ".join(f"{name} {coefficients[name]:g}" for name in ("alpha", "beta", "gamma"))
        said.append(
            f"Baseline: {baseline['source']}. Coefficients of {coefficients['source']}: {triple}; "
            f"{last['member']} should cost {last['nominal_ratio']:.2f} times the baseline "
            f"and costs {last['measured_ratio']:.2f} times: layers and channels are rounded."
        )
    trained = trained_members(data)
    known = ", ".join(f"{one.member} {percent(one.accuracy)} on {one.data}" for one in trained)
    said.append(
        "How sure: costs are counted exactly. "
        + (f"Accuracy as trained here: {known}." if known else "No member has been trained yet.")
    )
    done = {one.member for one in trained}
    waiting = [row for row in rows if row["member"] not in done]
    steps = [_train(data, waiting[0])] if waiting else []
    return Words(tuple(said), tuple(steps))


def _member(row: Row) -> str:
    return (
        f"{row['member']} ({format_count(row['macs'])} multiply-adds, "
        f"{format_count(row['params'])} parameters, {row['resolution']:g} pixels)"
    )


def _train(data: RunData, row: Row) -> Step:
    # Members of the published family have no φ; they are trained by their number.
    phi = row["phi"] if row["phi"] is not None else row["member"].removeprefix("efficientnet-b")
    shown = phi if isinstance(phi, str) else f"{phi:g}"
    words = f"train --model {data.reference} --phi {shown}"
    return Step(f"Train {row['member']}", command(data, words))


def _unfinished(data: RunData, what: str) -> Words:
    done = len(data.done)
    said = f"The {what} has {NOTHING_YET}."
    if done:
        trained = "One training is" if done == 1 else f"{done} trainings are"
        said = f"{trained} done; the {what} is decided when all are."
    return Words((said,), go_on(data))

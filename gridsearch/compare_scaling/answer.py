"""The table of a comparison: one row a network, and which methods cannot be told apart.

Columns of `comparison.csv`: `baseline`; `method` (`baseline`, `depth`, `width`, `resolution`,
`compound`); `budget` in MACs; `multiplier` of the dimension, φ for `compound`; `network` (id);
`layers` between stem and head, `resolution` in pixels and `proxy_resolution` it was trained at;
`macs` (multiply-adds of convolutions and linear layers at `resolution`, batch 1), `budget_error`
relative to the budget, `params`, `memory_bytes`; `state` (`done`, `failed`, `unreachable`);
`accuracy` (mean over the seeds, a fraction) with `low` and `high`, `seeds` and `accuracies`;
`tied` with the best method of its baseline and budget; `error`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from effsearch.gridsearch.compare_scaling.networks import Entry
from effsearch.results.references import compare_with_references
from effsearch.results.statistics import CONFIDENCE, Estimate, Noise, compare, pooled_noise
from effsearch.search_spaces.notation import format_architecture
from effsearch.training.trials.jobs import Measured


def make_rows(
    entries: Sequence[Entry], measured: Mapping[str, Measured]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows in the order of the entries, and what is known of the noise.

    Args:
        entries: unreachable ones included.
        measured: by id of the network.
    """
    scores = {id: one.scores for id, one in measured.items() if one.mean is not None}
    noise = pooled_noise(list(scores.values()))
    estimates = _estimates(entries, scores, noise)
    rows = [
        _row(entry, measured.get(entry.architecture.id, Measured()), estimates.get(place))
        for place, entry in enumerate(entries)
    ]
    return rows, {
        "confidence": CONFIDENCE,
        "noise": noise.deviation if noise else None,
        "interval_method": "t intervals from the noise between seeds, pooled over all networks; of "
        "the best of a budget, corrected for having been picked"
        if noise
        else "no interval: one seed each",
    }


def judge_methods(
    entries: Sequence[Entry], measured: Mapping[str, Measured]
) -> list[dict[str, Any]]:
    """All three dimensions beside each one alone, for every baseline and budget.

    The intervals hold for all of a budget at once.
    """
    scores = {id: one.scores for id, one in measured.items() if one.mean is not None}
    groups: dict[tuple[str, float], dict[str, Entry]] = {}
    for entry in entries:
        if entry.reachable and entry.method != "baseline" and entry.architecture.id in scores:
            groups.setdefault((entry.baseline, entry.budget), {})[entry.method] = entry
    found = []
    for (baseline, budget), methods in groups.items():
        compound = methods.pop("compound", None)
        if compound is None:
            continue
        own = scores[compound.architecture.id]
        taken = {entry.architecture.id for entry in (compound, *methods.values())}
        rows = compare_with_references(
            own,
            [own],
            compound.cost.macs,
            [
                (
                    f"{method} alone",
                    entry.architecture.id,
                    format_architecture(entry.architecture),
                    {"macs": entry.cost.macs, "params": entry.cost.params},
                    scores[entry.architecture.id],
                )
                for method, entry in methods.items()
                if entry.architecture.id != compound.architecture.id
            ],
            others=[values for id, values in scores.items() if id not in taken],
            at_once=len(methods),
        )
        place = {"baseline": baseline, "budget": round(budget)}
        found += [place | row.to_dict() for row in rows]
    return found


def _estimates(
    entries: Sequence[Entry], scores: Mapping[str, Sequence[float]], noise: Noise | None
) -> dict[int, Estimate]:
    """By place of the entry; methods are compared within a baseline and a budget."""
    groups: dict[tuple[str, float, bool], list[int]] = {}
    for place, entry in enumerate(entries):
        if entry.reachable and entry.architecture.id in scores:
            key = entry.baseline, entry.budget, entry.method == "baseline"
            groups.setdefault(key, []).append(place)
    found: dict[int, Estimate] = {}
    for places in groups.values():
        group = [scores[entries[place].architecture.id] for place in places]
        _, estimates = compare(group, noise=noise)
        found |= dict(zip(places, estimates, strict=True))
    return found


def _row(entry: Entry, measured: Measured, estimate: Estimate | None) -> dict[str, Any]:
    failed = bool(measured.errors)
    state = "unreachable" if not entry.reachable else "failed" if failed else "done"
    if entry.reachable and not measured.ended:
        state = "left out"  # a time budget was spent
    low = estimate.low if estimate else None
    high = estimate.high if estimate else None
    trained = entry.reachable
    return {
        "baseline": entry.baseline,
        "method": entry.method,
        "budget": round(entry.budget),
        "multiplier": entry.multiplier,
        "network": entry.architecture.id,
        "layers": len(entry.architecture.blocks),
        "resolution": entry.architecture.resolution,
        "proxy_resolution": entry.pixels,
        "macs": entry.cost.macs,
        "budget_error": round(entry.error, 6),
        "params": entry.cost.params,
        "memory_bytes": entry.cost.memory_bytes,
        "state": state,
        "accuracy": measured.mean if trained else None,
        "low": None if low is None else max(0.0, low),
        "high": None if high is None else min(1.0, high),
        "seeds": len(measured.rewards) if trained else 0,
        "accuracies": " ".join(f"{score:.6g}" for score in measured.scores) if trained else "",
        "tied": estimate.tied if estimate and entry.method != "baseline" else None,
        "error": " ".join(measured.errors[0].split()) if failed and trained else "",
    }

"""`--warm-start` and `--start`: what other searches and papers know, for a new search.

Earlier measurements enter the model with an offset of their own. What was measured under the same
conditions is taken as it is: a network that is asked again costs nothing.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from effsearch.nas.config import BaselineConfig
from effsearch.nas.earlier import Earlier
from effsearch.nas.evaluators.table import read_table
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.base import Strategy
from effsearch.results.store.ledger import iterate_events
from effsearch.results.store.run import Run
from effsearch.results.store.trials import Trial, join_trials
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import parse_stored
from effsearch.search_spaces.space import Encodings
from effsearch.search_spaces.zoo import resolve_architecture
from effsearch.training.trials.evaluator import Measurements

OPENED = 10
"""Networks that a table of opening points gives: its most accurate ones."""

_CONDITIONS = ("data", "recipe", "evaluator")


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """What a search knows before it begins.

    Attributes:
        earlier: measurements, a source each.
        known: those that need not be repeated, by id of the network.
        openings: networks to ask first.
        record: what `run.json` says of it; empty where there is nothing.
        notes: what the user should hear, a line each.
    """

    earlier: Sequence[Earlier]
    known: Mapping[str, Measurements]
    openings: Sequence[Candidate]
    record: Mapping[str, Any]
    notes: Sequence[str]


@dataclass(frozen=True)
class _Source:
    """One source as it was read: measurements by network, whether this search measures so."""

    name: str
    networks: Mapping[Architecture, Measurements]
    same: bool


def load_warm_start(
    config: BaselineConfig,
    problem: Problem,
    strategy: Strategy,
    record: Mapping[str, Any],
    root: Path,
) -> WarmStart:
    """Read all that `warm_start` and `start` name.

    Args:
        config: of the search.
        problem, strategy: likewise.
        record: what is recorded of the search's data, recipe and evaluator.
        root: folder of the runs.

    Raises:
        InputError: no such run, table or network; nothing of a source is in the space; it was
            measured on other data; or the strategy learns nothing from others.
    """
    sources = [_read(name, root, record) for name in config.warm_start]
    if sources and not strategy.learns_from_earlier:
        raise InputError(
            f"strategy '{config.strategy}' does not learn from earlier measurements: take bayesian,"
            " or give their best networks as opening points (--start TABLE.csv)"
        )
    found = [_in_space(source, problem) for source in sources]
    known = {
        result.candidate.id: measured
        for source, earlier in zip(sources, found, strict=True)
        if source.same
        for result, measured in _with_measurements(source, earlier)
    }
    openings, opening_notes = _openings(config.start, problem)
    notes = [_note(*pair) for pair in zip(sources, found, strict=True)]
    rows = [
        {
            "source": earlier.source,
            "networks": len(earlier.results),
            "same_conditions": earlier.same,
            "digest": _digest(earlier),
        }
        for earlier in found
    ]
    about: dict[str, Any] = {"warm_start": rows} if rows else {}
    if openings:
        about["start"] = [candidate.id for candidate in openings]
    return WarmStart(
        earlier=found,
        known=known,
        openings=openings,
        record=about,
        notes=[*notes, *opening_notes],
    )


def _read(name: str, root: Path, record: Mapping[str, Any]) -> _Source:
    if name.endswith(".csv"):
        means: dict[Architecture, Measurements] = {
            network: {**rows[0], "accuracy": _mean(rows)}
            for network, rows in read_table(Path(name)).items()
        }
        return _Source(name, means, same=False)
    run = Run.latest(root, name)
    ledger = run.paths.ledger
    trials = join_trials(iterate_events(ledger)) if ledger.exists() else []
    done = [trial for trial in trials if trial.state == "done" and not trial.partial]
    if not done:
        raise InputError(f"run {run.reference} has measured nothing: a warm start needs networks")
    _refuse_other_data(run, record)
    return _Source(
        f"run {run.reference}",
        _by_network(done),
        same=run.kind == "baseline" and _conditions(run.record) == _conditions(record),
    )


def _by_network(trials: Sequence[Trial]) -> dict[Architecture, Measurements]:
    """The measurements of each network; several trainings of one by their mean."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.architecture, []).append(trial)
    return {
        parse_stored(notation): {
            **group[0].measurements,
            "accuracy": _mean([trial.measurements for trial in group]),
        }
        for notation, group in groups.items()
    }


def _mean(rows: Sequence[Measurements]) -> float:
    accuracies: list[Any] = [row["accuracy"] for row in rows]
    return float(sum(accuracies) / len(accuracies))


def _refuse_other_data(run: Run, record: Mapping[str, Any]) -> None:
    """Where both were trained, on data of one name and as many classes."""
    there, here = run.record.get("data"), record.get("data")
    if not isinstance(there, dict) or not isinstance(here, dict):
        return
    if (there.get("name"), there.get("classes")) != (here.get("name"), here.get("classes")):
        raise InputError(
            f"run {run.reference} was trained on {there.get('name')} ({there.get('classes')} "
            f"classes), and this search trains on {here.get('name')} ({here.get('classes')}): "
            "a warm start needs the same data"
        )


def _conditions(record: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps([record.get(key) for key in _CONDITIONS]))


def _in_space(source: _Source, problem: Problem) -> Earlier:
    results = []
    for network, measured in source.networks.items():
        try:
            candidate = problem.candidate(problem.space.encode(network))
        except InputError:  # runs of other spaces may share networks with this one
            continue
        accuracy = float(measured["accuracy"])  # type: ignore[arg-type]
        reward = float(problem.objective.reward(accuracy, candidate.costs))
        results.append(Result(candidate, accuracy, reward))
    if not results:
        raise InputError(
            f"{source.name} has measured no network of space '{problem.space.name}': a warm start "
            "needs some"
        )
    return Earlier(source=source.name, results=results, same=source.same)


def _with_measurements(source: _Source, earlier: Earlier) -> list[tuple[Result, Measurements]]:
    by_id = {network.id: measured for network, measured in source.networks.items()}
    return [
        (result, by_id[result.candidate.id] | {"measured_in": source.name})
        for result in earlier.results
        if result.candidate.id in by_id
    ]


def _openings(text: str | None, problem: Problem) -> tuple[list[Candidate], list[str]]:
    """The networks that are asked first, and what is to be said of them."""
    if text is None:
        return [], []
    networks: dict[str, Architecture] = {}
    for name in (part.strip() for part in text.split(",")):
        if name.endswith(".csv") and os.path.isfile(name):
            networks |= _best_of_table(name)
        else:
            networks[name] = resolve_architecture(name)
    found: dict[str, Candidate] = {}
    outside = []
    for name, network in networks.items():
        try:
            candidate = problem.candidate(problem.space.encode(network))
        except InputError as error:
            raise InputError(f"opening point '{name}': {error}") from None
        if (
            problem.objective.is_banded
            and problem.objective.violation(problem.costs(_row(candidate)))[0] > 0
        ):
            outside.append(name)
        else:
            found.setdefault(candidate.id, candidate)
    if not outside:
        return list(found.values()), []
    said = ", ".join(outside[:3]) + (", …" if len(outside) > 3 else "")
    return list(found.values()), [
        f"{len(outside)} of {len(networks)} opening points lie outside the cost band and are left "
        f"out: {said}"
    ]


def _best_of_table(name: str) -> dict[str, Architecture]:
    table = read_table(Path(name))
    best = sorted(table, key=lambda network: -_mean(table[network]))[:OPENED]
    return {f"{name}, network {network.id}": network for network in best}


def _row(candidate: Candidate) -> Encodings:
    return np.array([candidate.encoding], dtype=np.int64)


def _digest(earlier: Earlier) -> str:
    """16 hex digits over networks and accuracies, to tell whether they changed."""
    text = json.dumps([[one.candidate.id, one.accuracy] for one in earlier.results])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _note(source: _Source, earlier: Earlier) -> str:
    how = (
        "under the same conditions: what is asked again is not measured again"
        if source.same
        else "under other conditions: what these change is learned"
    )
    passed = len(source.networks) - len(earlier.results)
    more = f", {passed} of other spaces passed over" if passed else ""
    return f"warm start: {len(earlier.results)} networks of {source.name}{more}, measured {how}"

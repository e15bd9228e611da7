"""Successive halving in a search: whom it gives up, and that one seed stays one search."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import yaml
from searches import (
    QUICK_OPTIONS,
    SMALL_SPACE,
    STRATEGIES,
    count_told,
    effsearch,
    wait_until,
    write_space,
)

from effsearch.nas.baseline import resume_baseline, search_baseline
from effsearch.nas.config import make_config
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.pruning import Pruning
from effsearch.nas.search import Search
from effsearch.nas.strategies.bayesian import Bayesian
from effsearch.nas.strategies.random import RandomSearch
from effsearch.nas.strategies.registry import make_strategy
from effsearch.results.store.events import Told, digest
from effsearch.results.store.ledger import Ledger, iterate_events, read_events
from effsearch.results.store.trials import Trial, join_trials
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import parse_space
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.outcome import Outcome, failure

EPOCHS = 4
PRUNED = [name for name in STRATEGIES if name != "nsga2"]


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.of(parse_space(SMALL_SPACE, "small"), Objective())


def train(request: Request) -> Outcome:
    """A training whose curve climbs to a final accuracy by the seed, and stops where it is told."""
    if request.seed % 7 == 0:
        return failure(request, "nan", "diverged", 0.1)
    final = request.seed % 1000 / 1000
    curve = [final * (0.5 + 0.5 * epoch / EPOCHS) for epoch in range(1, EPOCHS + 1)]
    measurements: dict[str, object] = {"accuracy": curve[-1], "curve": curve}
    for epoch, least in request.stop_below:
        if curve[epoch - 1] < least:
            kept = curve[:epoch]
            measurements = {"accuracy": kept[-1], "curve": kept, "stopped_after": epoch}
            break
    return Outcome(request.trial, measurements, None, "", 0.1, "here:1")


def run_search(problem: Problem, path: Path, name: str = "random", workers: int = 1) -> list[Trial]:
    """A search of 24 with so many trainings under way; its trials, best first."""
    rng = np.random.default_rng(workers)
    strategy = make_strategy(name, problem, 0, **QUICK_OPTIONS[name])
    with Ledger.open(path) as ledger:
        search = Search(
            problem,
            strategy,
            ledger,
            samples=24,
            batch_size=4,
            seed=0,
            events=read_events(path),
            pruning=Pruning(problem.objective, EPOCHS),
        )
        under_way: list[Request] = []
        while not search.finished:
            under_way += search.take(workers - len(under_way))
            if under_way:
                search.record([train(under_way.pop(int(rng.integers(len(under_way)))))])
    return search.ranked(join_trials(iterate_events(path)))


@pytest.mark.parametrize("name", PRUNED)
def test_workers_and_cuts_change_nothing(name: str, problem: Problem, tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    best = run_search(problem, whole, name)
    events = read_events(whole)
    assert any("stopped_after" in e.measurements for e in events if isinstance(e, Told))
    lines = whole.read_bytes().splitlines(keepends=True)
    for workers, cut in ((3, 0), (2, 5), (1, 20), (4, 33), (1, len(lines) - 1)):
        path.write_bytes(b"".join(lines[:cut]))
        assert [trial.number for trial in run_search(problem, path, name, workers)] == [
            trial.number for trial in best
        ]
        assert digest(read_events(path)) == digest(events), f"cut after line {cut}"


def test_a_training_given_up_is_kept_with_its_curve_and_is_never_an_answer(
    problem: Problem, tmp_path: Path
) -> None:
    path = tmp_path / "trials.jsonl"
    ranked = run_search(problem, path)
    trials = join_trials(iterate_events(path))
    partial = [trial for trial in trials if trial.partial]
    assert partial
    assert not any(trial.partial for trial in ranked)
    for trial in partial:
        curve = trial.measurements["curve"]
        assert isinstance(curve, list)
        assert len(curve) == trial.measurements["stopped_after"] < EPOCHS
        assert trial.accuracy == curve[-1]


def candidates(problem: Problem, count: int) -> list[Candidate]:
    return problem.draw(np.random.default_rng(0), count, set())


def result(candidate: Candidate, objective: Objective, *curve: float, stop: bool = False) -> Result:
    reward = float(objective.reward(curve[-1], candidate.costs))
    return Result(candidate, curve[-1], reward, curve, partial=stop)


def test_a_partial_result_is_taken_for_what_whole_trainings_gained(problem: Problem) -> None:
    objective = Objective()
    pruning = Pruning(objective, EPOCHS)
    drawn = candidates(problem, 5)
    curves = ((0.1, 0.3, 0.5, 0.6), (0.2, 0.4, 0.6, 0.8), (0.3, 0.4, 0.5, 0.7))
    whole = [result(c, objective, *curve) for c, curve in zip(drawn, curves, strict=False)]
    assert pruning.take_in(whole) == whole
    assert pruning.stop_below(drawn[0]) == ((1, 0.2), (2, 0.4))
    late = result(drawn[3], objective, 0.15, stop=True)
    good = result(drawn[4], objective, 0.5, 0.7, stop=True)
    told = pruning.take_in([late, good])
    assert told[0].accuracy == pytest.approx(0.15 + 0.5)  # the median gain from epoch 1
    assert told[1].accuracy == 0.8  # never above the best whole training
    assert all(found.partial and found.reward == found.accuracy for found in told)


def test_a_cheap_network_needs_less_accuracy_where_the_objective_says_so(problem: Problem) -> None:
    objective = Objective((banded_target("macs", 6e7, "soft"),))
    pruning = Pruning(objective, EPOCHS)
    drawn = candidates(problem, 6)
    pruning.take_in([result(c, objective, 0.3, 0.4, 0.5, 0.6) for c in drawn])
    cheap, dear = (pick(drawn, key=lambda c: c.costs["macs"]) for pick in (min, max))
    assert pruning.stop_below(cheap)[0][1] < pruning.stop_below(dear)[0][1]
    rewards = [float(objective.reward(0.3, c.costs)) for c in drawn]
    (epoch, least), _ = pruning.stop_below(cheap)
    assert epoch == 1
    assert float(objective.reward(least, cheap.costs)) == pytest.approx(sorted(rewards)[3])


def test_strategies_learn_from_partial_results_and_do_not_answer_with_them(
    problem: Problem,
) -> None:
    drawn = candidates(problem, 12)
    objective = Objective()
    results = [
        result(c, objective, 0.1 + place / 100, stop=place > 5) for place, c in enumerate(drawn)
    ]
    for strategy in (RandomSearch(problem), Bayesian(problem, start=4)):
        strategy.replay(results)
        assert len(strategy.measured) == 12
        assert {found.candidate.id for found in strategy.ranked()} == {c.id for c in drawn[:6]}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"pruning": "halvin"}, "did you mean 'halving'"),
        ({"pruning": "halving", "evaluator": "table.csv"}, "others have no epochs"),
        ({"pruning": "halving", "strategy": "nsga2"}, "nsga2 wants a front"),
    ],
)
def test_what_cannot_be_pruned_is_refused(options: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=named):
        make_config(options)


@pytest.mark.slow
def test_real_trainings_killed_and_resumed_are_the_same_search(
    tmp_path: Path, ray_address: str
) -> None:
    options = {
        "space": write_space(tmp_path),
        "target_flops": "20M",
        "cost_band": 0.8,
        "strategy_options": QUICK_OPTIONS["bayesian"],
        "max_images": 160,
        "epochs": EPOCHS,
        "proxy_resolution": 8,
        "recipe": {"batch_size": 16},
        "pruning": "halving",
        "samples": 12,
        "batch_size": 4,
    }
    whole = search_baseline(
        make_config(options, {"workers": 1}), run_dir=tmp_path / "whole", quiet=True
    )
    pruned = whole.answer["pruning"]
    assert pruned["given_up"] > 0
    assert pruned["epochs_trained"] < pruned["epochs_in_full"] == 12 * EPOCHS

    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(options))
    process = effsearch(
        "baseline", "--config", str(file), "--workers", "2", "--ray-address", ray_address,
        "--run-dir", str(tmp_path / "killed"),
        cwd=tmp_path,
    )  # fmt: skip
    run = tmp_path / "killed" / "baseline" / "001"
    wait_until(lambda: count_told(run / "trials.jsonl") >= 6, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    resumed = resume_baseline(str(run), {"workers": 1, "ray_address": None}, quiet=True)
    ledgers = [read_events(folder / "trials.jsonl") for folder in (whole.path, run)]
    assert digest(ledgers[0]) == digest(ledgers[1])
    assert resumed.answer["id"] == whole.answer["id"]
    assert resumed.answer["pruning"] == pruned

"""Comparisons of strategies: what is measured, what it is judged by, and the arithmetic."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search_quality import evaluations_to
from effsearch.nas.bench.benchmark import content_of, make_yardstick
from effsearch.nas.bench.config import BenchConfig, strategies_of
from effsearch.nas.bench.figure import draw
from effsearch.nas.bench.finished import keep_trace, kept_traces
from effsearch.nas.bench.leaderboard import interval, standings
from effsearch.nas.bench.runner import Trace, run_search, run_searches
from effsearch.nas.config import BaselineConfig
from effsearch.nas.objective import make_objective
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.space_file import load_space

# 72 encodings, some of which spell one network: its second stage may be an identity.
SPACE = """
name: tiny
resolution: 32
classes: 10
stem: {channels: 16, stride: 1}
stages:
  - {op: mbconv, channels: 16, expand: [1, 3, 6], kernel: [3, 5], layers: [1, 2]}
  - block: [{op: identity}, {op: mbconv, kernel: 3, expand: 3}, {op: mbconv, kernel: 5, expand: 3}]
    se: [0, 0.25]
    channels: 16
head: {channels: 64}
"""


@pytest.fixture
def space(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(SPACE)
    return str(path)


def write_table(folder: Path, space: str, keep: int) -> str:
    """Two rows of every `keep`-th encoding; accuracy falls with its place."""
    loaded = load_space(space)
    path = folder / "table.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["architecture", "accuracy"])
        for place, row in enumerate(loaded.enumerate()):
            if place % keep == 0:
                network = format_architecture(loaded.decode(row))
                writer.writerow([network, 0.9 - place / 1000])
                writer.writerow([network, 0.92 - place / 1000])
    return str(path)


def config(space: str, **more: object) -> BenchConfig:
    values: dict[str, object] = {
        "strategies": ("random", "evolution"),
        "seeds": 3,
        "samples": 20,
        "space": space,
    }
    return BenchConfig(**(values | more))  # type: ignore[arg-type]


def trace(rewards: list[float], strategy: str = "random", seed: int = 0) -> Trace:
    return Trace(
        strategy=strategy,
        seed=seed,
        rewards=tuple(rewards),
        sampled=tuple(rewards),
        evaluated=len(rewards),
        missing=0,
        seconds=0.0,
    )


def test_every_strategy_runs_with_every_seed(space: str) -> None:
    traces = run_searches(config(space), lambda _: None)
    assert [(t.strategy, t.seed) for t in traces] == [
        (name, seed) for name in ("random", "evolution") for seed in range(3)
    ]
    assert all(len(t.rewards) == t.evaluated == 20 for t in traces)


@pytest.mark.slow
def test_processes_find_what_one_process_finds(space: str) -> None:
    alone = run_searches(config(space), lambda _: None)
    shared = run_searches(config(space, workers=2), lambda _: None)
    assert [t.rewards for t in shared] == [t.rewards for t in alone]


def test_rewards_are_noise_free_rewards_of_the_strategy_s_answer(space: str) -> None:
    yardstick = make_yardstick(config(space, noise=0.05))
    found = run_search(yardstick, "random", 4, 20)
    first = yardstick.problem.draw(np.random.default_rng([4, 0]), 8, set())
    measured = [yardstick.measure(candidate, 4) or 0.0 for candidate in first]
    assert found.sampled[:8] == pytest.approx(measured)
    best = first[int(np.argmax(measured))]
    assert found.rewards[7] == pytest.approx(yardstick.accuracy(best))
    assert found.rewards[7] != pytest.approx(max(measured))


def test_a_band_that_runs_out_keeps_its_last_incumbent(space: str) -> None:
    found = run_search(make_yardstick(config(space)), "random", 0, 100)
    assert found.evaluated < 72 < 100 == len(found.rewards)
    assert set(found.rewards[found.evaluated :]) == {found.rewards[found.evaluated - 1]}


def test_without_noise_a_whole_space_holds_its_best(space: str) -> None:
    yardstick = make_yardstick(config(space, noise=0.0))
    assert run_search(yardstick, "random", 0, 100).rewards[-1] == yardstick.best


def test_another_landscape_is_named_by_its_number(space: str) -> None:
    first = make_yardstick(config(space))
    other = make_yardstick(config(space, evaluator="synthetic:7"))
    assert first.best != other.best


def test_the_best_there_is_lies_in_the_band(space: str) -> None:
    whole = make_yardstick(config(space)).problem
    costs = sorted(whole.costs(np.array(list(whole.space.enumerate())))["macs"])
    target = make_objective(BaselineConfig(target_flops=float(costs[40]), cost_band=0.3))
    banded = make_yardstick(config(space, objective=target, noise=0.0))
    inside = banded.problem.draw(np.random.default_rng(0), 100, set())
    assert banded.best == max(banded.accuracy(c) for c in inside)


def test_a_table_s_rows_are_its_noise(tmp_path: Path, space: str) -> None:
    yardstick = make_yardstick(config(space, evaluator=write_table(tmp_path, space, 1)))
    candidate = yardstick.problem.candidate([2, 1, 1, 1, 0])
    seen = {yardstick.measure(candidate, seed) for seed in range(20)}
    assert len(seen) == 2
    assert yardstick.accuracy(candidate) == pytest.approx(np.mean(list(seen)))  # type: ignore[arg-type]
    assert yardstick.lacking == 0


def test_networks_that_a_table_lacks_fail_and_are_counted(tmp_path: Path, space: str) -> None:
    table = write_table(tmp_path, space, 4)
    yardstick = make_yardstick(config(space, evaluator=table))
    found = run_search(yardstick, "random", 0, 100)
    assert yardstick.lacking
    assert found.missing == yardstick.lacking
    assert sum(np.isnan(found.sampled)) == found.missing
    assert found.rewards[-1] == yardstick.best


def test_the_nearest_network_stands_in_for_one_that_a_table_lacks(
    tmp_path: Path, space: str
) -> None:
    table = write_table(tmp_path, space, 4)
    yardstick = make_yardstick(config(space, evaluator=table, table_missing="nearest"))
    found = run_search(yardstick, "random", 0, 100)
    assert found.missing == yardstick.lacking
    assert not np.isnan(found.sampled).any()


def test_more_noise_can_be_put_on_a_table(tmp_path: Path, space: str) -> None:
    table = write_table(tmp_path, space, 1)
    yardstick = make_yardstick(config(space, evaluator=table, noise=0.01))
    candidate = yardstick.problem.candidate([0, 0, 0, 1, 0])
    errors = [
        (yardstick.measure(candidate, seed) or 0) - yardstick.accuracy(candidate)
        for seed in range(400)
    ]
    assert np.std(errors) == pytest.approx(np.hypot(0.01, 0.01), rel=0.15)


def test_intervals_are_student_s() -> None:
    mean, half = interval(np.array([1.0, 2.0, 3.0]))
    assert (mean, half) == pytest.approx((2.0, 4.303 / np.sqrt(3)), rel=1e-3)


def test_regret_is_what_is_missing_to_the_best_known_or_seen() -> None:
    traces = [trace([0.1, 0.4]), trace([0.3, 0.6], seed=1)]
    known = standings(traces, (1, 2), best=0.9)
    assert [(s.evaluations, s.reward, s.regret) for s in known] == [
        (1, pytest.approx(0.2), pytest.approx(0.7)),
        (2, pytest.approx(0.5), pytest.approx(0.4)),
    ]
    assert standings(traces, (2,), best=None)[0].regret == pytest.approx(0.1)


def test_nothing_but_failures_is_an_error() -> None:
    with pytest.raises(EffsearchError, match="all evaluations failed"):
        standings([trace([float("nan")] * 2)], (2,), None)


def test_a_reward_is_reached_where_the_mean_stays_at_it() -> None:
    traces = [trace([0.1, 0.5, 0.3, 0.5, 0.6])]
    assert evaluations_to(traces, 0.5) == 4
    assert evaluations_to(traces, 0.05) == 1
    assert evaluations_to(traces, 0.7) is None


def test_marks_end_with_the_last_evaluation(space: str) -> None:
    assert config(space, samples=200).marks == (25, 50, 100, 200)
    assert config(space, samples=60).marks == (25, 50, 60)


def test_a_picture_is_drawn(space: str) -> None:
    figure = draw(run_searches(config(space), lambda _: None), best=0.9)
    (axes,) = figure.axes
    assert axes.get_legend_handles_labels()[1] == ["random", "evolution"]


def test_all_is_every_strategy() -> None:
    assert {"bayesian", "random", "ppo"} <= set(strategies_of("strategies", "all"))
    assert strategies_of("strategies", "bayesian, local-search") == ("bayesian", "local_search")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"strategies": ("bayes",)}, "did you mean 'bayesian'"),
        ({"strategies": ()}, "one or more different names"),
        ({"strategies": ("random", "random")}, "one or more different names"),
        ({"seeds": 1}, "seeds must be a whole number of at least 2"),
        ({"samples": 0}, "samples must be a whole number of at least 1"),
        ({"noise": -0.1}, "noise must be 0 or more"),
        ({"table_missing": "skip"}, "unknown table_missing 'skip'"),
    ],
)
def test_a_value_out_of_range_is_refused(space: str, more: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        config(space, **more)


@pytest.mark.parametrize(
    ("evaluator", "message"),
    [
        ("synthetic:x", "must be a number"),
        ("proxy", "unknown evaluator of a bench"),
        ("none.csv", "cannot be read"),
    ],
)
def test_an_evaluator_that_cannot_be_looked_up_is_refused(
    space: str, evaluator: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        make_yardstick(config(space, evaluator=evaluator))


def test_a_table_of_other_networks_is_refused(tmp_path: Path, space: str) -> None:
    table = write_table(tmp_path, space, 1)
    other = replace(config("mnasnet"), evaluator=table)
    with pytest.raises(InputError, match="holds no network of space 'mnasnet'"):
        make_yardstick(other)


def test_a_search_comes_back_from_its_line_and_a_torn_line_is_dropped(tmp_path: Path) -> None:
    trace = Trace(
        strategy="random",
        seed=3,
        rewards=(0.25, 0.5),
        sampled=(0.125, 0.5),
        evaluated=2,
        missing=1,
        seconds=0.5,
    )
    path = tmp_path / "searches.jsonl"
    keep_trace(path, trace)
    keep_trace(path, replace(trace, seed=4, sampled=(math.nan, 0.5)))
    with path.open("a") as file:
        file.write('{"strategy": "ran')
    first, second = kept_traces(path)
    assert first == trace
    assert math.isnan(second.sampled[0])
    assert kept_traces(path)[0] == trace
    assert path.read_text().count("\n") == 2


def test_a_configuration_comes_back_with_its_objective(space: str) -> None:
    for kind in ("hard", "soft", "absolute"):
        objective = make_objective(BaselineConfig(target_flops=4e8, objective=kind))
        before = config(space, objective=objective, noise=0.01)
        stored = json.loads(json.dumps(before.to_dict(), allow_nan=False))
        assert BenchConfig.from_dict(stored) == before
    with pytest.raises(InputError, match="started by another version"):
        BenchConfig.from_dict({"strategies": ["random"]})


# The user's own function

FUNCTION = """
import hashlib

def exact(architecture):
    return int(architecture.id, 16) % 997 / 997

def noisy(architecture, seed):
    return exact(architecture) * 0.9 + (seed % 100) / 1000

def fails(architecture):
    raise ValueError("no such device")

def percent(architecture):
    return 93.0
"""


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(FUNCTION)
    return path


def test_a_function_that_repeats_itself_is_the_truth(space: str, functions: Path) -> None:
    yardstick = make_yardstick(config(space, evaluator=f"{functions}:exact"))
    candidate = yardstick.problem.candidate([2, 1, 1, 1, 0])
    value = int(candidate.id, 16) % 997 / 997
    assert yardstick.measure(candidate, 0) == yardstick.measure(candidate, 1) == value
    assert yardstick.accuracy(candidate) == value
    assert yardstick.judged_by == "reward without noise"
    assert yardstick.best is None


def test_noise_can_be_put_on_a_function(space: str, functions: Path) -> None:
    yardstick = make_yardstick(config(space, evaluator=f"{functions}:exact", noise=0.01))
    candidate = yardstick.problem.candidate([2, 1, 1, 1, 0])
    errors = [
        (yardstick.measure(candidate, seed) or 0) - yardstick.accuracy(candidate)
        for seed in range(400)
    ]
    assert np.std(errors) == pytest.approx(0.01, rel=0.15)


def test_an_answer_by_a_noisy_function_is_judged_by_an_evaluation_of_its_own(
    space: str, functions: Path
) -> None:
    yardstick = make_yardstick(config(space, evaluator=f"{functions}:noisy"))
    candidate = yardstick.problem.candidate([2, 1, 1, 1, 0])
    measured = {yardstick.measure(candidate, seed) for seed in range(5)}
    assert len(measured) == 5
    assert yardstick.accuracy(candidate) == yardstick.accuracy(candidate)
    assert yardstick.accuracy(candidate) not in measured
    assert yardstick.judged_by == "reward by one more evaluation"


@pytest.mark.parametrize(
    ("function", "message"),
    [("fails", "ValueError: no such device"), ("percent", r"fraction in \[0, 1\], not 93")],
)
def test_a_function_that_fails_for_every_network_is_an_error(
    space: str, functions: Path, function: str, message: str
) -> None:
    given = config(space, evaluator=f"{functions}:{function}", strategies=("random",))
    with pytest.raises(EffsearchError, match=message):
        standings(run_searches(given, lambda _: None), (20,), None)


def test_another_text_of_the_function_is_other_content(space: str, functions: Path) -> None:
    given = config(space, evaluator=f"{functions}:exact")
    before = content_of(given)
    functions.write_text(FUNCTION + "\n")
    assert content_of(given) != before


# What the best is, and how many reached it


def test_with_the_nearest_s_values_no_search_is_better_than_the_best(
    tmp_path: Path, space: str
) -> None:
    # The table holds one network; every other one has its accuracy, and some cost less.
    loaded = load_space(space)
    network = loaded.decode(np.array([2, 1, 1, 1, 0]))
    table = tmp_path / "table.csv"
    table.write_text(f"architecture,accuracy\n{format_architecture(network)},0.9\n")
    target = make_objective(BaselineConfig(target_flops=4e6, objective="soft"))
    yardstick = make_yardstick(
        config(space, evaluator=str(table), table_missing="nearest", objective=target)
    )
    found = run_search(yardstick, "random", 0, 100)
    own = yardstick.problem.candidate([2, 1, 1, 1, 0])
    assert yardstick.reward(own, 0.9) < max(found.rewards)
    assert max(found.rewards) == yardstick.best


def test_an_interval_ends_at_the_best_and_says_how_many_seeds_reached_it() -> None:
    traces = [trace([0.9], seed=seed) for seed in range(9)] + [trace([0.8], seed=9)]
    (found,) = standings(traces, (1,), best=0.9)
    assert (found.reward, found.reached, found.seeds) == (pytest.approx(0.89), 9, 10)
    assert found.high == 0.9
    assert found.low == pytest.approx(0.89 - 2.262 * 0.1 / 10, abs=1e-4)
    assert found.crowded
    (unknown,) = standings(traces, (1,), best=None)
    assert unknown.reached is None
    assert unknown.high > 0.9
    assert not unknown.crowded

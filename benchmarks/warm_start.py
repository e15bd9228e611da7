"""What a search saves that knows an earlier one's measurements.

    python -m benchmarks.warm_start

For each seed: a search of 200 evaluations at one target; then, at another target, a cold search of
200 and one that knows the first. On NAS-Bench-Macro (its three trainings are the noise) and on
synthetic landscapes; there the earlier measurements also come from a shorter training, which is
off by an offset, a slope and an error of each network's own. Printed: the mean noise-free reward of
the answer, and after how many evaluations the warm search is for good at what the cold one has
after 200. Writes `results/warm_start.json`.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import write_result
from benchmarks.nas_bench_macro import JSON_FILE, SPACE, convert
from effsearch.nas.bench.benchmark import make_yardstick
from effsearch.nas.bench.config import BenchConfig
from effsearch.nas.bench.leaderboard import evaluations_to
from effsearch.nas.bench.runner import Trace, trace_of
from effsearch.nas.bench.yardstick import Yardstick
from effsearch.nas.earlier import Earlier
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Result
from effsearch.nas.strategies.bayesian import Bayesian

SAMPLES = 200
MARKS = (10, 25, 50, 100, SAMPLES)
SHORTER = (-0.12, 0.7, 0.004)
"""Offset, slope and own error of each network of a shorter training."""

Change = Callable[[float, np.random.Generator], float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all cases, print a table, write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--case", action="append", help="part of a case's name; again for several")
    given = parser.parse_args(arguments)
    rows = {}
    print(f"{'case':44}{'cold 200':>10}{'warm 200':>10}{'warm at 25':>12}{'evaluations':>13}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (before, after, change) in _cases(Path(folder)).items():
            if given.case and not any(part in name for part in given.case):
                continue
            row = _compare(before, after, change, given.seeds)
            rows[name] = row
            needed = row["evaluations_to_cold"] or f"over {SAMPLES}"
            print(
                f"{name:44}{row['cold'][-1]:>10.4f}{row['warm'][-1]:>10.4f}{row['warm'][1]:>12.4f}"
                f"{needed!s:>13}",
                flush=True,
            )
    path = write_result("warm_start", {"seeds": given.seeds, "marks": MARKS, "cases": rows})
    print(f"written: {path.name}")


def _cases(folder: Path) -> dict[str, tuple[Yardstick, Yardstick, Change | None]]:
    """Where the earlier search was, where the new one is, and how the earlier values differ."""
    cases: dict[str, tuple[Yardstick, Yardstick, Change | None]] = {}
    if JSON_FILE.exists():
        table = folder / "macro.csv"
        convert(JSON_FILE, table)
        macro = BenchConfig(space=str(SPACE), evaluator=str(table), samples=SAMPLES)
        cases["NAS-Bench-Macro, 60M after 90M"] = (*_at(macro, 9e7, 6e7), None)
        cases["NAS-Bench-Macro, 90M after 60M"] = (*_at(macro, 6e7, 9e7), None)
    for landscape in (3, 4):
        config = BenchConfig(evaluator=f"synthetic:{landscape}", samples=SAMPLES)
        name = f"landscape {landscape}, 400M after 300M"
        cases[name] = (*_at(config, 3e8, 4e8), None)
        cases[f"{name}, trained shorter"] = (*_at(config, 3e8, 4e8), _shorter)
    return cases


def _at(config: BenchConfig, *targets: float) -> tuple[Yardstick, Yardstick]:
    first, second = (
        make_yardstick(
            replace(config, objective=Objective((banded_target("macs", target, floor=0.1),)))
        )
        for target in targets
    )
    return first, second


def _shorter(accuracy: float, rng: np.random.Generator) -> float:
    offset, slope, error = SHORTER
    return offset + slope * accuracy + float(rng.normal(0.0, error))


def _compare(before: Yardstick, after: Yardstick, change: Change | None, seeds: int) -> Any:
    cold, warm = [], []
    for seed in range(seeds):
        first = Bayesian(before.problem, seed + 1000)
        trace_of(before, first, SAMPLES)
        earlier = _as_earlier(first.measured, after, change, seed)
        cold.append(trace_of(after, Bayesian(after.problem, seed), SAMPLES))
        strategy = Bayesian(after.problem, seed)
        strategy.earlier = [earlier]
        warm.append(trace_of(after, strategy, SAMPLES))
    means = {"cold": _mean(cold), "warm": _mean(warm)}
    reached = float(means["cold"][SAMPLES - 1])
    return {
        **{name: [round(float(mean[m - 1]), 5) for m in MARKS] for name, mean in means.items()},
        "evaluations_to_cold": evaluations_to(warm, reached),
        "cold_200_by_seed": [round(trace.rewards[-1], 5) for trace in cold],
        "warm_100_by_seed": [round(trace.rewards[99], 5) for trace in warm],
    }


def _as_earlier(
    measured: Sequence[Result], after: Yardstick, change: Change | None, seed: int
) -> Earlier:
    rng = np.random.default_rng(seed)
    results = []
    for result in measured:
        assert result.accuracy is not None
        accuracy = result.accuracy if change is None else change(result.accuracy, rng)
        candidate = after.problem.candidate(result.candidate.encoding)
        reward = float(after.problem.objective.reward(accuracy, candidate.costs))
        results.append(Result(candidate, accuracy, reward))
    return Earlier(source="the search before", results=results, same=change is None)


def _mean(traces: Sequence[Trace]) -> Any:
    return np.array([trace.rewards for trace in traces]).mean(axis=0)


if __name__ == "__main__":
    main()

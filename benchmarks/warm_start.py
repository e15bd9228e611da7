"""What a search saves that knows an earlier one's measurements.

    python -m benchmarks.warm_start

For each seed: a search of 200 evaluations at one target; then, at another target, a cold search of
200 and one that knows the first. On NAS-Bench-Macro (its three trainings are the noise) and on
synthetic landscapes; there the earlier measurements also come from a shorter training, which is
off by an offset, a slope and an error of each network's own. Printed: the mean noise-free reward of
the answer, after how many evaluations the warm search is for good at what the cold one has after
200, and how far it is from that after 100, with the standard error over the seeds: near a table's
best the means move by less than that, and "for good" says little. Every seed of a case that has
ended is kept in `results/warm_start.jsonl` and not repeated; `results/warm_start.json` sums up what
is there.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import write_result
from benchmarks.nas_bench_macro import JSON_FILE, SPACE, convert
from effsearch.nas.bench.benchmark import make_yardstick
from effsearch.nas.bench.config import BenchConfig
from effsearch.nas.bench.runner import trace_of
from effsearch.nas.bench.yardstick import Yardstick
from effsearch.nas.earlier import Earlier
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Result
from effsearch.nas.strategies.bayesian import Bayesian

SAMPLES = 200
SEEDS = 8
MARKS = (10, 25, 50, 100, SAMPLES)
SHORTER = (-0.12, 0.7, 0.004)
"""Offset, slope and own error of each network of a shorter training."""
KEPT = Path(__file__).parent / "results" / "warm_start.jsonl"

Change = Callable[[float, np.random.Generator], float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing of all cases, print a table, write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--minutes", type=float, default=1e9, help="no search is begun after them")
    given = parser.parse_args(arguments)
    until = time.monotonic() + 60 * given.minutes
    kept = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    with tempfile.TemporaryDirectory() as folder:
        cases = _cases(Path(folder))
        for seed in range(given.seeds):
            for name, case in cases.items():
                done = any((one["case"], one["seed"]) == (name, seed) for one in kept)
                if done or time.monotonic() > until:
                    continue
                kept.append({"case": name, "seed": seed, **_compare(*case, seed)})
                with KEPT.open("a") as file:
                    file.write(json.dumps(kept[-1]) + "\n")
    rows = {name: _summary([one for one in kept if one["case"] == name]) for name in cases}
    print(
        f"{'case':46}{'seeds':>6}{'cold 200':>10}{'warm 25':>10}{'warm 200':>10}{'needed':>8}"
        f"  {f'at {SAMPLES // 2} to cold {SAMPLES}':20}best measured of {SAMPLES // 4}"
    )
    for name, row in rows.items():
        if row is not None:
            cold, warm, needed = row["cold"], row["warm"], row["evaluations_to_cold"]
            print(
                f"{name:46}{row['seeds']:>6}{cold[-1]:>10.4f}{warm[1]:>10.4f}{warm[-1]:>10.4f}"
                f"{needed or f'>{SAMPLES}':>8}  {row['at_half'][0]:+.4f} ± {row['at_half'][1]:.4f}"
                f"    {row['best_measured_of_a_quarter'].get('warm_measured', '-')}"
            )
    path = write_result("warm_start", {"marks": MARKS, "cases": rows})
    print(f"written: {path.name}")


def _summary(runs: Sequence[Any]) -> Any:
    """The means over the seeds of a case; None where there is no seed yet."""
    if not runs:
        return None
    traces = {kind: np.array([one[kind] for one in runs]) for kind in ("cold", "warm")}
    cold, warm = (traces[kind].mean(axis=0) for kind in ("cold", "warm"))
    apart = traces["warm"][:, SAMPLES // 2 - 1] - traces["cold"][:, -1]
    error = float(apart.std(ddof=1)) / len(runs) ** 0.5 if len(runs) > 1 else float("nan")
    below = np.flatnonzero(warm < cold[-1])
    needed = 1 if not len(below) else int(below[-1]) + 2
    found = {
        name: round(float(np.mean([one[name][SAMPLES // 4 - 1] for one in runs])), 5)
        for name in ("cold_measured", "warm_measured")
        if all(name in one for one in runs)
    }
    return {
        "seeds": len(runs),
        "best_measured_of_a_quarter": found,
        "cold": [round(float(cold[mark - 1]), 5) for mark in MARKS],
        "warm": [round(float(warm[mark - 1]), 5) for mark in MARKS],
        "evaluations_to_cold": needed if needed <= SAMPLES else None,
        "at_half": [round(float(apart.mean()), 5), round(error, 5)],
    }


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


def _compare(
    before: Yardstick, after: Yardstick, change: Change | None, seed: int
) -> dict[str, list[float]]:
    """The rewards of a cold and of a warm search after each evaluation: of the network that each
    would answer with, and (`…_measured`) the best of those it has measured.
    """
    first = Bayesian(before.problem, seed + 1000)
    trace_of(before, first, SAMPLES)
    cold, warm = Bayesian(after.problem, seed), Bayesian(after.problem, seed)
    warm.earlier = [_as_earlier(first.measured, after, change, seed)]
    found = {
        name: [round(reward, 6) for reward in trace_of(after, strategy, SAMPLES).rewards]
        for name, strategy in (("cold", cold), ("warm", warm))
    }
    for name, strategy in (("cold", cold), ("warm", warm)):
        rewards = [
            after.reward(one.candidate, after.accuracy(one.candidate)) for one in strategy.measured
        ]
        found[f"{name}_measured"] = [round(best, 6) for best in accumulate(rewards, max)]
    return found


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


if __name__ == "__main__":
    main()

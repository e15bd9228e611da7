"""How good the search strategies are, evaluation for evaluation.

    python -m benchmarks.search_quality                 all parts
    python -m benchmarks.search_quality --part claims   one of them, again for several

claims    all strategies on NAS-Bench-Macro (its three trainings are the noise; accuracy alone and
          with a cost target) and on the synthetic landscape, 200 evaluations; and how many
          evaluations each needs to reach what random search reaches in 2,000
rivals    all strategies, and `bayesian` as it was, on NAS-Bench-Macro and on a synthetic
          landscape, soft and hard, 16 seeds; how sure the model is of networks it asks for; and
          what it is worth that the calibrated model names the answer, not the one it draws from.
          Each search that has ended is kept in `results/search_quality_rivals.jsonl` and not
          repeated; `rivals_so_far` sums up what is there
belief    how sure the model of `bayesian` is of 500 networks held out: as a search draws from it,
          as it was calibrated until 2026-11-28, and as it is stated now
long      `bayesian` at 200 evaluations against regularized evolution at 1,600
ablation  `bayesian` with one thing taken away at a time
kernel    the same with the parts of its kernel, and with the products of every two genes besides
ppo       the mean sampled reward of PPO's controller over 2,000 evaluations

Landscapes 0, 1, 5 and 6 were looked at while the strategy was made; what `claims` and `long` show
is from others.
Each part writes `results/search_quality_<part>.json`.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ablation import KERNELS, VARIANTS, Variant
from benchmarks.cases import (
    SAMPLES,
    SEEDS,
    cost_objective,
    mean_text,
    signed_text,
    synthetic_case,
    table_case,
)
from benchmarks.machine import RESULTS, write_result
from benchmarks.rivals import belief, rivals, rivals_so_far
from effsearch.nas.bench.benchmark import make_yardstick
from effsearch.nas.bench.config import BenchConfig
from effsearch.nas.bench.figure import draw
from effsearch.nas.bench.leaderboard import grouped, interval, standings
from effsearch.nas.bench.runner import Trace, run_search, run_searches, trace_of
from effsearch.nas.bench.yardstick import Yardstick
from effsearch.nas.objective import Floats
from effsearch.results.plots.files import figure_bytes
from effsearch.results.store.files import write_bytes_atomically

TABLE_SEEDS = 50  # for the claims: the strategies that learn end within the noise of one training
LONG = 1600
RANDOM = 2000
LANDSCAPES = (3, 4)
DECIDING = (5, 6)  # what stays in the strategy is decided on these
PACKAGES = ("numpy", "scipy", "optuna", "torch")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts that are asked for; print their tables; write their files."""
    parts = {
        "claims": claims,
        "rivals": rivals,
        "rivals_so_far": rivals_so_far,
        "belief": belief,
        "long": long_run,
        "ablation": ablation,
        "kernel": kernel,
        "ppo": ppo,
    }
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=parts, action="append", help="again for several")
    parser.add_argument("--workers", type=int, default=1, help="searches at a time")
    given = parser.parse_args(arguments)
    for name in given.part or [part for part in parts if not part.endswith("_so_far")]:
        print(f"\n## {name}")
        result = parts[name](given.workers)
        name = name.removesuffix("_so_far")
        print(f"written: {write_result(f'search_quality_{name}', result, PACKAGES).name}")


def claims(workers: int) -> dict[str, Any]:
    """All strategies at equal evaluations, and what random search needs 2,000 for."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, config in _cases(Path(folder), workers).items():
            yardstick = make_yardstick(config)
            traces = run_searches(config, lambda _: None)
            drawn = run_searches(
                replace(config, strategies=("random",), samples=RANDOM), lambda _: None
            )
            reference = float(np.mean([trace.rewards[-1] for trace in drawn]))
            rows = standings(traces, config.marks, yardstick.best)
            needed = {
                strategy: evaluations_to(runs, reference)
                for strategy, runs in grouped(traces).items()
            }
            exhaustive = _exhaustive(yardstick)
            _print_claim(name, traces, config, needed, reference, yardstick.best, exhaustive)
            picture = RESULTS / f"search_quality_{name}.png"
            write_bytes_atomically(picture, figure_bytes(draw(traces, yardstick.best), "png"))
            found[name] = {
                "seeds": config.seeds,
                "best": yardstick.best,
                "measuring_everything": exhaustive,
                "random_at_2000": reference,
                "evaluations_to_random_at_2000": needed,
                "standings": [row.to_dict() for row in rows],
            }
    return {"samples": SAMPLES, "cases": found}


def evaluations_to(traces: Sequence[Trace], reward: float) -> int | None:
    """After how many evaluations the mean over the traces is at `reward` for good; None: never."""
    mean = np.array([trace.rewards for trace in traces]).mean(axis=0)
    below = np.flatnonzero(~(mean >= reward))
    if not len(below):
        return 1
    last = int(below[-1])
    return None if last == len(mean) - 1 else last + 2


def long_run(workers: int) -> dict[str, Any]:
    """`bayesian` at 200 against evolution at 1,600 on landscapes that were not tuned on."""
    rows = []
    print(f"{'landscape':>9} {'bayesian at 200':>18} {'evolution at 1,600':>19} {'difference':>18}")
    for landscape in LANDSCAPES:
        config = synthetic_case(landscape, workers, strategies=("bayesian",))
        short = [trace.rewards[-1] for trace in run_searches(config, lambda _: None)]
        config = replace(config, strategies=("evolution",), samples=LONG)
        long = [trace.rewards[-1] for trace in run_searches(config, lambda _: None)]
        pair = (interval(np.array(short)), interval(np.array(long)))
        difference = interval(np.array(short) - np.array(long))
        rows.append({"landscape": landscape, "bayesian_200": short, "evolution_1600": long})
        texts = [mean_text(*one) for one in (*pair, difference)]
        print(f"{landscape:>9} {texts[0]:>18} {texts[1]:>19} {texts[2]:>18}")
    return {"seeds": SEEDS, "rows": rows}


def ablation(_: int) -> dict[str, Any]:
    """`bayesian` with one thing taken away at a time."""
    with tempfile.TemporaryDirectory() as folder:
        table = table_case(Path(folder))
        return _variants(
            VARIANTS,
            {
                "synthetic, hard 400M": synthetic_case(2, 1),
                "synthetic, soft 400M": replace(
                    synthetic_case(2, 1), objective=cost_objective(4e8, "soft")
                ),
                "NAS-Bench-Macro, hard 60M": replace(table, objective=cost_objective(60e6)),
            },
        )


def kernel(_: int) -> dict[str, Any]:
    """`bayesian` with parts of its kernel taken away."""
    with tempfile.TemporaryDirectory() as folder:
        table = table_case(Path(folder))
        return _variants(
            KERNELS,
            {f"synthetic {n}, hard 400M": synthetic_case(n, 1) for n in DECIDING}
            | {
                "NAS-Bench-Macro, accuracy": table,
                "NAS-Bench-Macro, hard 60M": replace(table, objective=cost_objective(60e6)),
            },
        )


def ppo(_: int) -> dict[str, Any]:
    """Mean reward that the controller samples, in windows of 200 evaluations."""
    yardstick = make_yardstick(synthetic_case(2, 1))
    window = 200
    sampled: dict[str, list[list[float]]] = {}
    for name in ("ppo", "random"):
        traces = [run_search(yardstick, name, seed, RANDOM) for seed in range(3)]
        sampled[name] = [
            np.nanmean(np.array(trace.sampled).reshape(-1, window), axis=1).tolist()
            for trace in traces
        ]
    print(f"{'evaluations':>14} {'ppo':>8} {'random':>8}")
    for place in range(RANDOM // window):
        means = [np.mean([runs[place] for runs in sampled[name]]) for name in ("ppo", "random")]
        span = f"{place * window + 1}–{(place + 1) * window}"
        print(f"{span:>14} {means[0]:>8.4f} {means[1]:>8.4f}")
    return {"seeds": 3, "window": window, "mean_sampled_reward": sampled}


def _variants(variants: Sequence[Variant], cases: dict[str, BenchConfig]) -> dict[str, Any]:
    """Each variant on each case; the first is what the others are held against, seed by seed."""
    found: dict[str, Any] = {}
    for case, config in cases.items():
        print(case)
        whole: dict[int, Floats] = {}
        for variant in variants:
            if not variant.tells(config.objective):
                continue
            yardstick = make_yardstick(replace(config, objective=variant.of(config.objective)))
            traces = [
                trace_of(yardstick, variant.make(yardstick.problem, seed), SAMPLES)
                for seed in range(SEEDS)
            ]
            rewards = {
                mark: np.array([trace.rewards[mark - 1] for trace in traces])
                for mark in (50, 100, SAMPLES)
            }
            whole = whole or rewards
            row = {
                mark: {
                    "reward": interval(values),
                    "less_whole": interval(values - whole[mark]),
                }
                for mark, values in rewards.items()
            }
            cells = "  ".join(
                f"{mark}: {mean_text(*value['reward'])} ({signed_text(*value['less_whole'])})"
                for mark, value in row.items()
            )
            print(f"  {variant.name:26} {cells}", flush=True)
            found.setdefault(case, {})[variant.name] = row
    return {"seeds": SEEDS, "samples": SAMPLES, "cases": found}


def _cases(folder: Path, workers: int) -> dict[str, BenchConfig]:
    table = replace(table_case(folder), workers=workers, seeds=TABLE_SEEDS)
    return {
        "nas_bench_macro": table,
        "nas_bench_macro_60M": replace(table, objective=cost_objective(60e6)),
        "synthetic_400M": synthetic_case(2, workers),
    }


def _exhaustive(yardstick: Yardstick) -> float | None:
    """What comes of measuring every network of the band once and taking the best measured one.

    The mean over the seeds: no strategy that goes by single measurements can expect more for long.
    """
    if yardstick.best is None:
        return None
    space = yardstick.problem.space.size
    runs = [run_search(yardstick, "random", seed, space).rewards[-1] for seed in range(SEEDS)]
    return float(np.mean(runs))


def _print_claim(
    name: str,
    traces: Sequence[Trace],
    config: BenchConfig,
    needed: dict[str, int | None],
    reference: float,
    best: float | None,
    exhaustive: float | None,
) -> None:
    print(f"\n{name}: best {best}, every network measured once {exhaustive}")
    print(f"random search reaches {reference:.4f} in {RANDOM:,} evaluations")
    rows = standings(traces, config.marks, best)
    header = "".join(f"{mark:>19}" for mark in config.marks)
    print(f"{'strategy':14}{header}   evaluations to it")
    by_name: dict[str, list[str]] = {}
    for row in rows:
        by_name.setdefault(row.strategy, []).append(mean_text(row.reward, row.half_width))
    for strategy, cells in by_name.items():
        print(f"{strategy:14}{''.join(f'{c:>19}' for c in cells)}   {needed[strategy] or '-'}")


if __name__ == "__main__":
    main()

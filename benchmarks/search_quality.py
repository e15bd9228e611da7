"""How good the search strategies are, evaluation for evaluation.

    python -m benchmarks.search_quality                 all parts
    python -m benchmarks.search_quality --part claims   one of them, again for several

claims    all strategies on NAS-Bench-Macro (its three trainings are the noise; accuracy alone and
          with a cost target) and on the synthetic landscape, 200 evaluations; and how many
          evaluations each needs to reach what random search reaches in 2,000
rivals    all strategies, and `bayesian` as it was, on NAS-Bench-Macro and on a synthetic
          landscape, soft and hard, 16 seeds; and how sure the model is of networks it asks for.
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
import itertools
import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ablation import KERNELS, VARIANTS, VERSIONS, Variant
from benchmarks.belief import Watch
from benchmarks.imagenet_like import best_found, imagenet_like
from benchmarks.machine import write_result
from benchmarks.nas_bench_macro import JSON_FILE, SPACE, convert
from effsearch.nas.bench.benchmark import Synthetic, make_yardstick
from effsearch.nas.bench.config import BenchConfig
from effsearch.nas.bench.figure import draw
from effsearch.nas.bench.leaderboard import grouped, interval, standings
from effsearch.nas.bench.runner import Trace, run_search, run_searches, trace_of
from effsearch.nas.bench.yardstick import Yardstick
from effsearch.nas.config import BaselineConfig
from effsearch.nas.objective import Floats, Objective, make_objective
from effsearch.nas.strategies.base import Strategy
from effsearch.nas.strategies.bayesian import Bayesian
from effsearch.nas.strategies.registry import STRATEGIES, make_strategy
from effsearch.results.plots.files import figure_bytes
from effsearch.results.store.files import write_bytes_atomically

SEEDS = 10
TABLE_SEEDS = 50  # for the claims: the strategies that learn end within the noise of one training
RIVAL_SEEDS = 16
BELIEF_SEEDS = 6
TRAININGS = 3  # of each network of NAS-Bench-Macro
RIVALS: tuple[tuple[tuple[str, ...], tuple[str, ...] | None], ...] = (
    # What is searched with, and where (None: everywhere); first what the part is for.
    (("bayesian", "former"), None),
    (("random", "evolution", "local_search", "nsga2", "ppo"), None),
    (("tpe",), None),
    (tuple(name for name in VERSIONS if name != "former"), ("ImageNet-like, soft 400M",)),
)
SAMPLES = 200
LONG = 1600
RANDOM = 2000
LANDSCAPES = (3, 4)
DECIDING = (5, 6)  # what stays in the strategy is decided on these
PACKAGES = ("numpy", "scipy", "optuna", "torch")
RESULTS = Path(__file__).parent / "results"
RIVAL_MARKS = (50, 100, SAMPLES)
RIVALS_FILE = RESULTS / "search_quality_rivals.jsonl"


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


def rivals(_: int) -> dict[str, Any]:
    """Soft and hard, seed by seed against the former `bayesian`; what is there is not repeated."""
    with tempfile.TemporaryDirectory() as folder:
        cases = _rival_cases(Path(folder))
        for names, where in RIVALS:
            for seed, case, name in itertools.product(range(RIVAL_SEEDS), where or cases, names):
                if (case, name, seed) not in _kept_rivals():
                    _keep_rival(case, name, seed, cases[case])
        return _summary_of_rivals(cases)


def rivals_so_far(_: int) -> dict[str, Any]:
    """Of the searches that were kept."""
    with tempfile.TemporaryDirectory() as folder:
        return _summary_of_rivals(_rival_cases(Path(folder)))


def belief(_: int) -> dict[str, Any]:
    """Shares of |z| > 3 and root mean squares of z, means over the seeds."""
    found: dict[str, Any] = {}
    kinds = ("held_out", "held_out_formerly_calibrated", "held_out_believed")
    with tempfile.TemporaryDirectory() as folder:
        for case, yardstick in _rival_cases(Path(folder)).items():
            rows = []
            for seed in range(BELIEF_SEEDS):
                strategy = Bayesian(yardstick.problem, seed)
                watch = Watch(strategy, yardstick, TRAININGS if "Macro" in case else 0)
                trace_of(yardstick, strategy, SAMPLES)
                rows.append(watch.summary())
            found[case] = {
                kind: {
                    figure: float(np.mean([row[kind][figure] for row in rows]))
                    for figure in ("beyond_3", "root_mean_square")
                }
                for kind in kinds
            }
            cells = "  ".join(
                f"{kind} {found[case][kind]['beyond_3']:.3f} "
                f"({found[case][kind]['root_mean_square']:.2f})"
                for kind in kinds
            )
            print(f"{case:28} {cells}", flush=True)
    return {"samples": SAMPLES, "seeds": BELIEF_SEEDS, "cases": found}


def _rival_cases(folder: Path) -> dict[str, Yardstick]:
    table, synthetic = _table(folder), _synthetic(2, 1)
    hard = make_yardstick(synthetic)
    soft = make_yardstick(replace(synthetic, objective=_objective(4e8, "soft")))
    return {
        "synthetic, hard 400M": hard,
        "NAS-Bench-Macro, hard 60M": make_yardstick(replace(table, objective=_objective(60e6))),
        "NAS-Bench-Macro, soft 60M": make_yardstick(
            replace(table, objective=_objective(60e6, "soft"))
        ),
        "NAS-Bench-Macro, accuracy": make_yardstick(table),
        "synthetic, soft 400M": soft,
        "ImageNet-like, soft 400M": imagenet_like(soft.problem, 3),
        "ImageNet-like, hard 400M": imagenet_like(hard.problem, 3),
    }


def _keep_rival(case: str, name: str, seed: int, yardstick: Yardstick) -> None:
    strategy: Strategy = (
        VERSIONS[name](yardstick.problem, seed)
        if name in VERSIONS
        else make_strategy(name, yardstick.problem, seed)
    )
    watch = Watch(strategy, yardstick) if isinstance(strategy, Bayesian) else None
    trace = trace_of(yardstick, strategy, SAMPLES)
    row = {
        "case": case,
        "strategy": name,
        "seed": seed,
        "rewards": {mark: trace.rewards[mark - 1] for mark in RIVAL_MARKS},
        "seconds": round(trace.seconds, 1),
        "belief": watch.summary() if watch else None,
    }
    with RIVALS_FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(f"{case:28} {name:12} seed {seed:2}: {trace.rewards[-1]:.4f}", flush=True)


def _kept_rivals() -> dict[tuple[str, str, int], dict[str, Any]]:
    lines = RIVALS_FILE.read_text(encoding="utf-8").splitlines() if RIVALS_FILE.exists() else []
    rows = [json.loads(line) for line in lines]
    return {(row["case"], row["strategy"], row["seed"]): row for row in rows}


def _summary_of_rivals(cases: dict[str, Yardstick]) -> dict[str, Any]:
    """Means with intervals, less the former `bayesian` by seed, and how sure the models are."""
    best = {case: _best(yardstick) for case, yardstick in cases.items()}
    by_pair: dict[tuple[str, str], dict[int, dict[str, Any]]] = defaultdict(dict)
    for (case, name, seed), row in _kept_rivals().items():
        by_pair[case, name][seed] = row
    found: dict[str, Any] = {}
    for (case, name), rows in sorted(by_pair.items()):
        former = by_pair.get((case, "former"), {})
        entry: dict[str, Any] = {"seeds": len(rows)}
        for mark in map(str, RIVAL_MARKS):
            rewards = np.array([row["rewards"][mark] for row in rows.values()])
            pairs = np.array(
                [
                    rows[seed]["rewards"][mark] - former[seed]["rewards"][mark]
                    for seed in rows
                    if seed in former
                ]
            )
            entry[mark] = {
                "reward": interval(rewards),
                "regret": best[case] - float(rewards.mean()),
                "less_former": interval(pairs) if len(pairs) > 1 else None,
            }
        if rows[min(rows)]["belief"]:
            entry["belief"] = {
                kind: {
                    figure: float(np.mean([row["belief"][kind][figure] for row in rows.values()]))
                    for figure in ("beyond_3", "root_mean_square")
                }
                for kind in ("asked", "held_out")
            }
        found.setdefault(case, {"best_found": best[case]})[name] = entry
        last = entry[str(SAMPLES)]
        less = f"less former {_signed(*last['less_former'])}" if last["less_former"] else ""
        regret = f"regret {last['regret']:.4f}"
        print(
            f"{case:28} {name:12} {len(rows):2} seeds  {_text(*last['reward'])}  {regret}  {less}"
        )
    return {"samples": SAMPLES, "cases": found}


def _best(yardstick: Yardstick) -> float:
    """The best there is, or in a space too large to know it what a long search comes to."""
    if yardstick.best is not None:
        return yardstick.best
    assert isinstance(yardstick, Synthetic)
    return best_found(yardstick.problem, yardstick.landscape)


def long_run(workers: int) -> dict[str, Any]:
    """`bayesian` at 200 against evolution at 1,600 on landscapes that were not tuned on."""
    rows = []
    print(f"{'landscape':>9} {'bayesian at 200':>18} {'evolution at 1,600':>19} {'difference':>18}")
    for landscape in LANDSCAPES:
        config = _synthetic(landscape, workers, strategies=("bayesian",))
        short = [trace.rewards[-1] for trace in run_searches(config, lambda _: None)]
        config = replace(config, strategies=("evolution",), samples=LONG)
        long = [trace.rewards[-1] for trace in run_searches(config, lambda _: None)]
        pair = (interval(np.array(short)), interval(np.array(long)))
        difference = interval(np.array(short) - np.array(long))
        rows.append({"landscape": landscape, "bayesian_200": short, "evolution_1600": long})
        print(
            f"{landscape:>9} {_text(*pair[0]):>18} {_text(*pair[1]):>19} {_text(*difference):>18}"
        )
    return {"seeds": SEEDS, "rows": rows}


def ablation(_: int) -> dict[str, Any]:
    """`bayesian` with one thing taken away at a time."""
    with tempfile.TemporaryDirectory() as folder:
        table = _table(Path(folder))
        return _variants(
            VARIANTS,
            {
                "synthetic, hard 400M": _synthetic(2, 1),
                "synthetic, soft 400M": replace(
                    _synthetic(2, 1), objective=_objective(4e8, "soft")
                ),
                "NAS-Bench-Macro, hard 60M": replace(table, objective=_objective(60e6)),
            },
        )


def kernel(_: int) -> dict[str, Any]:
    """`bayesian` with parts of its kernel taken away."""
    with tempfile.TemporaryDirectory() as folder:
        table = _table(Path(folder))
        return _variants(
            KERNELS,
            {f"synthetic {n}, hard 400M": _synthetic(n, 1) for n in DECIDING}
            | {
                "NAS-Bench-Macro, accuracy": table,
                "NAS-Bench-Macro, hard 60M": replace(table, objective=_objective(60e6)),
            },
        )


def ppo(_: int) -> dict[str, Any]:
    """Mean reward that the controller samples, in windows of 200 evaluations."""
    yardstick = make_yardstick(_synthetic(2, 1))
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
                f"{mark}: {_text(*value['reward'])} ({_signed(*value['less_whole'])})"
                for mark, value in row.items()
            )
            print(f"  {variant.name:26} {cells}", flush=True)
            found.setdefault(case, {})[variant.name] = row
    return {"seeds": SEEDS, "samples": SAMPLES, "cases": found}


def _cases(folder: Path, workers: int) -> dict[str, BenchConfig]:
    table = replace(_table(folder), workers=workers, seeds=TABLE_SEEDS)
    return {
        "nas_bench_macro": table,
        "nas_bench_macro_60M": replace(table, objective=_objective(60e6)),
        "synthetic_400M": _synthetic(2, workers),
    }


def _table(folder: Path) -> BenchConfig:
    path = folder / "nas_bench_macro.csv"
    convert(JSON_FILE, path)
    return BenchConfig(
        strategies=tuple(STRATEGIES),
        seeds=SEEDS,
        samples=SAMPLES,
        space=str(SPACE),
        evaluator=str(path),
    )


def _synthetic(
    landscape: int, workers: int, strategies: tuple[str, ...] = tuple(STRATEGIES)
) -> BenchConfig:
    return BenchConfig(
        strategies=strategies,
        seeds=SEEDS,
        samples=SAMPLES,
        evaluator=f"synthetic:{landscape}",
        objective=_objective(4e8),
        workers=workers,
    )


def _objective(macs: float, kind: Any = "hard") -> Objective:
    return make_objective(BaselineConfig(target_flops=macs, objective=kind))


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
        by_name.setdefault(row.strategy, []).append(_text(row.reward, row.half_width))
    for strategy, cells in by_name.items():
        print(f"{strategy:14}{''.join(f'{c:>19}' for c in cells)}   {needed[strategy] or '-'}")


def _text(mean: float, half: float) -> str:
    return f"{mean:.4f} ± {half:.4f}"


def _signed(mean: float, half: float) -> str:
    return f"{mean:+.4f} ± {half:.4f}"


if __name__ == "__main__":
    main()

"""Strategies against `bayesian` as it was, seed by seed, and how sure the models are.

Parts of `benchmarks.search_quality`. A search that has ended is kept and not repeated.
"""

import itertools
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ablation import VERSIONS
from benchmarks.belief import Watch
from benchmarks.cases import (
    SAMPLES,
    cost_objective,
    mean_text,
    signed_text,
    synthetic_case,
    table_case,
)
from benchmarks.imagenet_like import best_found, imagenet_like
from benchmarks.machine import RESULTS
from effsearch.nas.bench.benchmark import Synthetic, make_yardstick
from effsearch.nas.bench.leaderboard import interval
from effsearch.nas.bench.runner import trace_of
from effsearch.nas.bench.yardstick import Yardstick
from effsearch.nas.strategies.base import Strategy
from effsearch.nas.strategies.bayesian import Bayesian
from effsearch.nas.strategies.registry import make_strategy

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
RIVAL_MARKS = (50, 100, SAMPLES)
RIVALS_FILE = RESULTS / "search_quality_rivals.jsonl"


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
    table, synthetic = table_case(folder), synthetic_case(2, 1)
    hard = make_yardstick(synthetic)
    soft = make_yardstick(replace(synthetic, objective=cost_objective(4e8, "soft")))
    return {
        "synthetic, hard 400M": hard,
        "NAS-Bench-Macro, hard 60M": make_yardstick(replace(table, objective=cost_objective(60e6))),
        "NAS-Bench-Macro, soft 60M": make_yardstick(
            replace(table, objective=cost_objective(60e6, "soft"))
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
        said = [f"regret {last['regret']:.4f}"]
        if last["less_former"]:
            said.append(f"less former {signed_text(*last['less_former'])}")
        if name == "bayesian":
            entry["less_if_named_by_draws"] = _by_naming(rows.values())
            said.append(f"less if named by draws {signed_text(*entry['less_if_named_by_draws'])}")
        reward = mean_text(*last["reward"])
        print(f"{case:28} {name:12} {len(rows):2} seeds  {reward}  {'  '.join(said)}")
    return {"samples": SAMPLES, "cases": found}


def _by_naming(rows: Iterable[dict[str, Any]]) -> tuple[float, float]:
    """What the answer is worth less the one that the model a search draws from would name.

    The searches are the same: naming comes after them.
    """
    pairs = [(row["rewards"][str(SAMPLES)], row["belief"]["picks"]["0 measured"]) for row in rows]
    return interval(np.array([named - by_draws for named, by_draws in pairs]))


def _best(yardstick: Yardstick) -> float:
    """The best there is, or in a space too large to know it what a long search comes to."""
    if yardstick.best is not None:
        return yardstick.best
    assert isinstance(yardstick, Synthetic)
    return best_found(yardstick.problem, yardstick.landscape)

"""What the parts of `benchmarks.search_quality` share: where they search, and how they say it."""

from pathlib import Path
from typing import Any

from benchmarks.nas_bench_macro import JSON_FILE, SPACE, convert
from effsearch.nas.bench.config import BenchConfig
from effsearch.nas.config import BaselineConfig
from effsearch.nas.objective import Objective, make_objective
from effsearch.nas.strategies.registry import STRATEGIES

SEEDS = 10
SAMPLES = 200


def table_case(folder: Path) -> BenchConfig:
    path = folder / "nas_bench_macro.csv"
    convert(JSON_FILE, path)
    return BenchConfig(
        strategies=tuple(STRATEGIES),
        seeds=SEEDS,
        samples=SAMPLES,
        space=str(SPACE),
        evaluator=str(path),
    )


def synthetic_case(
    landscape: int, workers: int, strategies: tuple[str, ...] = tuple(STRATEGIES)
) -> BenchConfig:
    return BenchConfig(
        strategies=strategies,
        seeds=SEEDS,
        samples=SAMPLES,
        evaluator=f"synthetic:{landscape}",
        objective=cost_objective(4e8),
        workers=workers,
    )


def cost_objective(macs: float, kind: Any = "hard") -> Objective:
    return make_objective(BaselineConfig(target_flops=macs, objective=kind))


def mean_text(mean: float, half: float) -> str:
    return f"{mean:.4f} ± {half:.4f}"


def signed_text(mean: float, half: float) -> str:
    return f"{mean:+.4f} ± {half:.4f}"

"""`effsearch bench`: strategies against each other at equal evaluations."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from effsearch.cli.options import (
    RUNS,
    CostTolerance,
    Json,
    Name,
    Quiet,
    Real,
    RunDir,
    ShippedSpace,
    TargetFlops,
    TargetMemory,
    TargetParams,
    Text,
    Weight,
    print_document,
)

if TYPE_CHECKING:
    from effsearch.nas.bench.leaderboard import Standing
    from effsearch.nas.bench.run import BenchResult


def bench(
    strategies: Annotated[
        str, typer.Option(help="Names such as bayesian,evolution,random, or all.")
    ] = "all",
    seeds: Annotated[int, typer.Option(help="Searches of each strategy.")] = 10,
    samples: Annotated[int, typer.Option("--samples", "-n", help="Evaluations a search.")] = 200,
    space: ShippedSpace = "mnasnet",
    evaluator: Annotated[
        str,
        typer.Option(
            help="synthetic: a made-up landscape (synthetic:3 for another one), TABLE.csv of "
            "measured networks, package.module:function, or file.py:function."
        ),
    ] = "synthetic",
    noise: Annotated[
        Real,
        typer.Option(
            help="Standard deviation of one evaluation [synthetic: 0.0027; table or function: 0, "
            "on top of their own]."
        ),
    ] = None,
    table_missing: Annotated[
        str, typer.Option(help="Networks a table lacks: fail, or nearest for the nearest one's.")
    ] = "fail",
    target_flops: TargetFlops = None,
    target_params: TargetParams = None,
    target_memory: TargetMemory = None,
    objective: Annotated[str, typer.Option(help="hard, soft or absolute.")] = "hard",
    weight: Weight = None,
    cost_tolerance: CostTolerance = None,
    cost_band: Annotated[
        Real,
        typer.Option(help="Fraction under the first target still evaluated [0.1; soft: 1]."),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Networks asked together [each strategy's own].")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the first search; the others follow.")] = 0,
    workers: Annotated[int, typer.Option(help="Searches at a time.")] = 1,
    resume: Annotated[
        Text,
        typer.Option(
            help="Go on with this comparison: its path, or bench/001. Of the other options only "
            "--workers is looked at."
        ),
    ] = None,
    name: Name = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare strategies at equal evaluations, where looking a network up costs nothing.

    Shown is the reward without noise of the network that a strategy would answer with: mean over
    the seeds with its 95% interval, and the regret to the best network there is (of a space too
    large to know it, and of a function: to the best that any search reached). An answer by a
    function that takes a seed is judged by one more evaluation. Writes RUN_DIR/bench/NNN with
    bench.csv, traces.csv, bench.json and bench.png. Stop it with Ctrl-C, go on with --resume:
    searches that have ended are not repeated.
    """
    from effsearch.nas.bench.config import BenchConfig, strategies_of
    from effsearch.nas.bench.run import compare_strategies, resume_comparison
    from effsearch.nas.config import make_config

    if resume is not None:
        _show(
            resume_comparison(resume, workers=workers, run_dir=run_dir, quiet=quiet), as_json, quiet
        )
        return
    shared = make_config(
        {
            "space": space,
            "target_flops": target_flops,
            "target_params": target_params,
            "target_memory": target_memory,
            "objective": objective,
            "weight": weight,
            "cost_tolerance": cost_tolerance,
            "cost_band": cost_band,
        }
    )
    config = BenchConfig(
        strategies=strategies_of(strategies),
        seeds=seeds,
        seed=seed,
        samples=samples,
        batch_size=batch_size,
        space=space,
        evaluator=evaluator,
        noise=noise,
        table_missing=table_missing,  # type: ignore[arg-type]  # checked by BenchConfig
        objective=shared.make_objective(),
        workers=workers,
    )
    result = compare_strategies(
        config,
        shared.targets,
        run_dir=run_dir,
        name=name,
        quiet=quiet,
        command=["effsearch", *sys.argv[1:]],
    )
    _show(result, as_json, quiet)


def _show(result: "BenchResult", as_json: bool, quiet: bool) -> None:
    from effsearch.results.terminal import print_table

    if as_json:
        print_document(result.document)
        return
    found, best = result.standings, result.best
    marks = list(dict.fromkeys(standing.evaluations for standing in found))
    rows: dict[str, list[str]] = {}
    for standing in found:
        rows.setdefault(standing.strategy, []).append(_cell(standing))
    ranked = sorted(rows, key=lambda name: -_last(found, name))
    print_table(
        ("strategy", *(f"{mark} evaluations" for mark in marks)),
        [(name, *rows[name]) for name in ranked],
    )
    known = "reached by any search" if best is None else f"there is, {best:.4f}"
    judged = result.document["judged_by"]
    print(f"mean {judged} ± half its 95% interval (regret to the best {known})")
    if any(standing.reached for standing in found):
        print("n/m: seeds that reached the best; the interval ends there")
    if any(standing.crowded for standing in found):
        print("where more than half did, the interval covers less often than 95%: go by n/m")
    if not quiet:
        print(f"bench: {result.path / 'bench.csv'}", file=sys.stderr)


def _cell(standing: "Standing") -> str:
    """`0.7834 ± 0.0012 (0.0100)`; where seeds reached the best, how many, and a capped interval."""
    mean = f"{standing.reward:.4f}"
    if not standing.reached:
        return f"{mean} ± {standing.half_width:.4f} ({standing.regret:.4f})"
    below, above = standing.reward - standing.low, standing.high - standing.reward
    reached = f"{standing.reached}/{standing.seeds}"
    return f"{mean} -{below:.4f} +{above:.4f} ({standing.regret:.4f}, {reached})"


def _last(found: "Sequence[Standing]", name: str) -> float:
    return [standing.reward for standing in found if standing.strategy == name][-1]

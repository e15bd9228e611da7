"""`effsearch bench`: strategies against each other at equal evaluations."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from effsearch.cli.options import RUNS, Json, Name, Quiet, RunDir

if TYPE_CHECKING:
    from nas.bench.config import BenchConfig
    from nas.bench.race import Trace
    from nas.bench.standing import Standing

Text = str | None
Real = float | None
KIND = "bench"


def bench(
    strategies: Annotated[
        str, typer.Option(help="Names such as bayesian,evolution,random, or all.")
    ] = "all",
    seeds: Annotated[int, typer.Option(help="Searches of each strategy.")] = 10,
    samples: Annotated[int, typer.Option("--samples", "-n", help="Evaluations a search.")] = 200,
    space: Annotated[str, typer.Option(help="Shipped space or YAML file.")] = "mnasnet",
    evaluator: Annotated[
        str,
        typer.Option(
            help="synthetic: a made-up landscape (synthetic:3 for another one), or TABLE.csv of "
            "measured networks."
        ),
    ] = "synthetic",
    noise: Annotated[
        Real,
        typer.Option(
            help="Standard deviation of one evaluation [synthetic: 0.0027; table: 0, on top of "
            "what lies between its rows of one network]."
        ),
    ] = None,
    table_missing: Annotated[
        str, typer.Option(help="Networks a table lacks: fail, or nearest for the nearest one's.")
    ] = "fail",
    target_flops: Annotated[
        Text, typer.Option(help="Wanted multiply-adds, such as 400M, 0.39G or 4e8.")
    ] = None,
    target_params: Annotated[Text, typer.Option(help="Wanted parameters, such as 5.3M.")] = None,
    target_memory: Annotated[
        Text, typer.Option(help="Wanted peak activation memory at batch 1, such as 8MB.")
    ] = None,
    objective: Annotated[str, typer.Option(help="hard, soft or absolute.")] = "hard",
    weight: Annotated[Real, typer.Option(help="w of the objective, at most 0.")] = None,
    cost_tolerance: Annotated[
        Real, typer.Option(help="Fraction over a target still evaluated [0; soft: no bound].")
    ] = None,
    cost_band: Annotated[
        Real,
        typer.Option(help="Fraction under the first target still evaluated [0.1; soft: 1]."),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Networks asked together [each strategy's own].")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the first search; the others follow.")] = 0,
    workers: Annotated[int, typer.Option(help="Searches at a time.")] = 1,
    name: Name = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare strategies at equal evaluations, where looking a network up costs nothing.

    Shown is the reward without noise of the network that a strategy would answer with: mean over
    the seeds with its 95% interval, and the regret to the best network there is (of a space too
    large to know it: to the best that any search reached). Writes RUN_DIR/bench/NNN with bench.csv,
    traces.csv, bench.json and bench.png.
    """
    from nas.bench.config import BenchConfig, strategies_of
    from nas.config import make_config

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
    _run(config, shared.targets, run_dir, name, as_json, quiet)


def _run(
    config: "BenchConfig",
    targets: dict[str, float],
    run_dir: Any,
    name: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    from nas.bench.race import run_race
    from nas.bench.standing import standings
    from nas.bench.yardstick import make_yardstick
    from nas.objective import describe
    from results.run import Run
    from search_spaces.errors import EffsearchError

    yardstick = make_yardstick(config)  # bad input is found before a run directory is made
    about = {"targets": targets, "objective": describe(config.objective.targets)}
    with Run.create(
        run_dir,
        KIND,
        name,
        command=["effsearch", *sys.argv[1:]],
        config=config.to_dict(),
        extra=about | {"lacking": yardstick.lacking},
    ) as run:
        if not quiet and yardstick.lacking:
            _say(f"the table lacks {yardstick.lacking:,} networks of the space")
        try:
            with _progress(len(config.strategies) * config.seeds, quiet) as advance:
                traces = run_race(config, advance)
            found = standings(traces, config.marks, yardstick.best)
        except (KeyboardInterrupt, EffsearchError) as error:
            run.finish("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
            raise
        document = {
            "schema_version": 1,
            **about,
            "space": config.space,
            "evaluator": config.evaluator,
            "noise": config.noise,
            "best": yardstick.best,
            "lacking": yardstick.lacking,
            "missed": sum(trace.missing for trace in traces),
            "evaluations": sum(trace.evaluated for trace in traces),
            "standings": [standing.to_dict() for standing in found],
        }
        _write(run.path, document, traces, yardstick.best)
        run.finish("finished")
    if not quiet and document["missed"]:
        _say(
            f"{document['missed']:,} of {document['evaluations']:,} evaluations met a network that "
            f"the table lacks ({config.table_missing})"
        )
    if as_json:
        print(json.dumps(document, indent=2))
        return
    _show(found, yardstick.best)
    if not quiet:
        _say(f"bench: {run.path / 'bench.csv'}")


def _write(
    path: Any, document: dict[str, Any], traces: "Sequence[Trace]", best: float | None
) -> None:
    from nas.bench.figure import draw
    from results.files import write_atomically, write_bytes_atomically, write_json
    from results.plots.files import figure_bytes
    from results.table import Scalar, rows_csv

    write_json(path / "bench.json", document)
    write_atomically(path / "bench.csv", rows_csv(document["standings"]))
    steps: list[dict[str, Scalar | None]] = [
        {"strategy": t.strategy, "seed": t.seed, "evaluation": place, "reward": reward}
        for t in traces
        for place, reward in enumerate(t.rewards, start=1)
    ]
    write_atomically(path / "traces.csv", rows_csv(steps))
    write_bytes_atomically(path / "bench.png", figure_bytes(draw(traces, best), "png"))


def _show(found: "Sequence[Standing]", best: float | None) -> None:
    from results.terminal import print_table

    marks = list(dict.fromkeys(standing.evaluations for standing in found))
    rows: dict[str, list[str]] = {}
    for standing in found:
        rows.setdefault(standing.strategy, []).append(
            f"{standing.reward:.4f} ± {standing.half_width:.4f} ({standing.regret:.4f})"
        )
    ranked = sorted(rows, key=lambda name: -_last(found, name))
    print_table(
        ("strategy", *(f"{mark} evaluations" for mark in marks)),
        [(name, *rows[name]) for name in ranked],
    )
    known = "reached by any search" if best is None else f"there is, {best:.4f}"
    print(f"mean reward without noise ± half its 95% interval (regret to the best {known})")


def _last(found: "Sequence[Standing]", name: str) -> float:
    return [standing.reward for standing in found if standing.strategy == name][-1]


@contextmanager
def _progress(total: int, quiet: bool) -> "Iterator[Callable[[Trace], None]]":
    """A bar on a terminal, a line a search elsewhere."""
    if quiet:
        yield lambda trace: None
        return
    if not sys.stderr.isatty():
        done: list[Trace] = []

        def line(trace: "Trace") -> None:
            done.append(trace)
            _say(
                f"{len(done)}/{total} {trace.strategy} seed {trace.seed}: {trace.rewards[-1]:.4f} "
                f"after {trace.evaluated} evaluations, {trace.seconds:.1f} s"
            )

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    with Progress(
        "searches", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:  # fmt: skip
        task = bar.add_task("searches", total=total)
        yield lambda trace: bar.advance(task)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

"""`effsearch bench`: strategies against each other at equal evaluations."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from effsearch.cli.completion import complete_runs
from effsearch.cli.from_config import options_of
from effsearch.cli.options import RUNS, Json, Name, Quiet, RunDir, print_document
from effsearch.cli.run_command import told_done
from effsearch.nas.bench.config import BenchConfig, BenchObjective

if TYPE_CHECKING:
    from effsearch.nas.bench.leaderboard import Standing
    from effsearch.nas.bench.run import BenchResult


@options_of(BenchConfig, BenchObjective)
def bench(
    given: Mapping[str, Any],
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Run to resume: its path, or bench/001. Of the other options only --workers "
            "applies.",
            autocompletion=complete_runs("bench"),
        ),
    ] = None,
    name: Name = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare strategies at equal evaluations, where looking a network up costs nothing.

    Shows the reward, without noise, of the network that each strategy would answer with: its mean
    over the seeds with a 95% interval, and the regret against the best network there is (in a
    space too large to know it, and for a function: the best that any search reached). The answer
    for a function that takes a seed is judged by one more evaluation. Writes RUN_DIR/bench/NNN
    with bench.csv, traces.csv, bench.json and bench.png. Ctrl-C stops it, --resume continues it;
    finished searches are not repeated.
    """
    from effsearch.nas.bench.run import compare_as_told, resume_bench

    if resume is not None:
        if told_done(
            resume, "bench", BenchConfig, {}, run_dir=run_dir, as_json=as_json, quiet=quiet
        ):
            return
        workers = BenchConfig.make({"workers": given.get("workers", 1)}).workers
        result = resume_bench(resume, workers=workers, run_dir=run_dir, quiet=quiet)
    else:
        result = compare_as_told(
            given,
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

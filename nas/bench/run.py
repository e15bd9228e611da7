"""`effsearch bench`: a benchmark in a run directory, from its configuration to its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from effsearch.nas.bench.benchmark import content_of, make_yardstick
from effsearch.nas.bench.config import BenchConfig, BenchObjective
from effsearch.nas.bench.figure import draw
from effsearch.nas.bench.finished import keep_trace, kept_traces
from effsearch.nas.bench.leaderboard import Standing, standings
from effsearch.nas.bench.progress import progress
from effsearch.nas.bench.runner import Trace, run_searches
from effsearch.nas.bench.yardstick import Yardstick
from effsearch.nas.objective import describe, make_objective
from effsearch.results.bench_files import SEARCHES, TRACES, count_searches
from effsearch.results.config import settings_of
from effsearch.results.kinds.bench import BenchAnswer
from effsearch.results.lifecycle import Driver, find_run, say
from effsearch.results.plots.files import figure_bytes
from effsearch.results.store.files import write_atomically, write_bytes_atomically, write_json
from effsearch.results.store.run import Run
from effsearch.results.store.table import Scalar, rows_csv
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import load_space

KIND = "bench"


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """What a benchmark found.

    Attributes:
        path: the run directory.
        standings: of every strategy at every mark.
        best: highest reward there is; None where it is not known.
        document: the content of `bench.json`.
    """

    path: Path
    standings: list[Standing]
    best: float | None
    document: dict[str, Any]


def compare_as_told(given: Mapping[str, Any], **run: Any) -> BenchResult:
    """Compare strategies by the options that a user gives, of what is compared and of how.

    Args:
        given: options of `BenchConfig` and of `BenchObjective`.
        run: as in `compare_strategies`.

    Raises:
        EffsearchError: see `compare_strategies`.
    """
    costs = {key: given[key] for key in settings_of(BenchObjective) if key in given}
    wanted = BenchObjective.make(costs)
    own = {key: value for key, value in given.items() if key not in costs}
    config = BenchConfig.make(own, {"objective": make_objective(wanted)})
    return compare_strategies(config, wanted.targets, **run)


def compare_strategies(
    config: BenchConfig,
    targets: Mapping[str, float],
    *,
    run_dir: Path = Path("runs"),
    name: str | None = None,
    quiet: bool = False,
    command: Sequence[str] = ("effsearch", "bench"),
) -> BenchResult:
    """Compare strategies in a new run.

    Args:
        config: what is compared.
        targets: wanted costs by metric, for the record.
        run_dir, name, quiet, command: of the run.

    Raises:
        EffsearchError: see its children; `Interrupted` says how to resume.
    """
    plan = _plan(config, targets)  # bad input is found before a run directory is made
    return _DRIVER.start(plan, run_dir=run_dir, name=name, quiet=quiet, command=command)


def resume_bench(
    reference: str, *, workers: int, run_dir: Path = Path("runs"), quiet: bool = False
) -> BenchResult:
    """Resume a benchmark that was stopped; searches that have ended are not repeated.

    Args:
        reference: path or `bench/001`.
        workers: searches at a time.
        run_dir, quiet: as in `compare_strategies`.

    Raises:
        InputError: no such run, or its space or table has changed.
        EffsearchError: as `compare_strategies`.
    """
    found = find_run(run_dir, reference, KIND)
    config = replace(BenchConfig.from_dict(found.record["config"]), workers=workers)
    if found.record.get("content") != content_of(config):
        raise InputError(f"run {found.reference} was started with another space, table or function")
    plan = _plan(config, found.record["targets"])
    ended = f": {count_searches(found)[0]} searches have ended"
    return _DRIVER.resume(found, plan, run_dir=run_dir, quiet=quiet, title=ended)


@dataclass(frozen=True)
class _Plan:
    config: BenchConfig
    yardstick: Yardstick
    record: dict[str, Any]

    def stored_config(self) -> dict[str, Any]:
        return self.config.to_dict()


def _plan(config: BenchConfig, targets: Mapping[str, float]) -> _Plan:
    yardstick = make_yardstick(config)
    record = {
        "targets": targets,
        "objective": describe(config.objective.targets),
        "lacking": yardstick.lacking,
        "content": content_of(config),
    }
    return _Plan(config, yardstick, record)


def _compare(run: Run, plan: _Plan, quiet: bool) -> BenchResult:
    config, yardstick = plan.config, plan.yardstick
    say(yardstick.gaps, quiet)
    traces = _searches(run, config, quiet)
    found = standings(traces, config.marks, yardstick.best)
    document = BenchAnswer(
        targets=run.record["targets"],
        objective=run.record["objective"],
        space=load_space(config.space).name if isinstance(config.space, dict) else config.space,
        evaluator=config.evaluator,
        noise=config.noise,
        best=yardstick.best,
        judged_by=yardstick.judged_by,
        lacking=yardstick.lacking,
        missed=sum(trace.missing for trace in traces),
        evaluations=sum(trace.evaluated for trace in traces),
        standings=[standing.to_dict() for standing in found],
    ).to_dict()
    _write(run.path, document, traces, yardstick.best)
    if document["missed"]:
        say(
            f"{document['missed']:,} of {document['evaluations']:,} evaluations met a network that "
            f"the table lacks ({config.table_missing})",
            quiet,
        )
    return BenchResult(path=run.path, standings=found, best=yardstick.best, document=document)


_DRIVER = Driver[_Plan, BenchResult](
    kind=KIND,
    execute=_compare,
    introduce=lambda run, plan: (),
    kept=lambda run: "no search that ended is lost",
)


def _searches(run: Run, config: BenchConfig, quiet: bool) -> list[Trace]:
    """The searches of an earlier start, and those still to do; each is kept as it ends."""
    searches = run.path / SEARCHES
    done = kept_traces(searches)
    with progress(len(config.strategies) * config.seeds, len(done), quiet) as advance:

        def on_trace(trace: Trace) -> None:
            keep_trace(searches, trace)
            advance(trace)

        return run_searches(config, on_trace, done)


def _write(
    path: Path, document: dict[str, Any], traces: Sequence[Trace], best: float | None
) -> None:
    write_json(path / "bench.json", document)
    write_atomically(path / "bench.csv", rows_csv(document["standings"]))
    steps: list[dict[str, Scalar | None]] = [
        {"strategy": t.strategy, "seed": t.seed, "evaluation": place, "reward": reward}
        for t in traces
        for place, reward in enumerate(t.rewards, start=1)
    ]
    write_atomically(path / TRACES, rows_csv(steps))
    write_bytes_atomically(path / "bench.png", figure_bytes(draw(traces, best), "png"))

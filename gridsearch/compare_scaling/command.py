"""`effsearch compare-scaling`: depth, width or resolution alone against all three together.

The design of EfficientNet's Figure 8 and Tables 3 and 7: every method spends the same counted
MACs, and all networks are trained the same way. Resolutions of the training scale as the networks'
own do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from effsearch.gridsearch.compare_scaling.answer import judge_methods, make_rows
from effsearch.gridsearch.compare_scaling.config import ComparisonConfig, make_config
from effsearch.gridsearch.compare_scaling.networks import ComparisonPlan, make_plan
from effsearch.results.callbacks import Callbacks
from effsearch.results.conditions import Conditions
from effsearch.results.config import changed_keys
from effsearch.results.kinds.comparison import ComparisonAnswer
from effsearch.results.lifecycle import (
    Driver,
    find_run,
    refuse_changes,
    say,
    write_trials,
)
from effsearch.results.loggers import check_loggers
from effsearch.results.plots.comparison import methods
from effsearch.results.plots.files import save_png
from effsearch.results.store.files import write_atomically, write_json
from effsearch.results.store.ledger import Ledger
from effsearch.results.store.run import Run
from effsearch.results.store.table import rows_csv
from effsearch.search_spaces.errors import EffsearchError
from effsearch.search_spaces.units import format_count
from effsearch.training.data.progress import data_progress
from effsearch.training.trials.jobs import Measured, failures
from effsearch.training.trials.options import go_on_as_begun
from effsearch.training.trials.queue_runner import check_device, queue_runner
from effsearch.training.trials.trainings import trainings_of

KIND = "comparison"


@dataclass(frozen=True, kw_only=True)
class ComparisonResult:
    """What a comparison found.

    Attributes:
        run: name such as `comparison/001`.
        path: the run directory.
        rows: of `comparison.csv`.
        answer: the content of `comparison.json`.

    Example:
        >>> import effsearch
        >>> result = effsearch.compare_scaling(["efficientnet-b0"])
        >>> sorted({row["method"] for row in result.rows if row["method"] != "baseline"})
        ['compound', 'depth', 'resolution', 'width']
    """

    run: str
    path: Path
    rows: list[dict[str, Any]]
    answer: dict[str, Any]


def compare_scaling(
    config: ComparisonConfig,
    *,
    run_dir: Path = Path("runs"),
    name: str | None = None,
    quiet: bool = False,
    command: Sequence[str] = ("effsearch", "compare-scaling"),
    callbacks: Callbacks = (),
) -> ComparisonResult:
    """Compare the ways to scale in a new run.

    Raises:
        EffsearchError: see its children; `Interrupted` says how to resume.
    """
    check_device(config)
    check_loggers(config.logger)
    with data_progress(partial(say, quiet=quiet)):
        plan = make_plan(config, run_dir)
    return _DRIVER.start(
        plan, run_dir=run_dir, name=name, quiet=quiet, command=command, callbacks=callbacks
    )


def resume_comparison(
    reference: str | None,
    changes: Mapping[str, Any],
    *,
    run_dir: Path = Path("runs"),
    quiet: bool = False,
    callbacks: Callbacks = (),
) -> ComparisonResult:
    """Go on with a comparison that was stopped.

    Args:
        reference: path or `comparison/001`; None for the newest comparison.
        changes: configuration keys given anew; only those that do not change what is measured.

    Raises:
        InputError: no such run, or a change that would make it another comparison.
        EffsearchError: as `compare_scaling`.
    """

    found = find_run(run_dir, reference, KIND)
    begun, changes = go_on_as_begun(found.record, changes)
    config = make_config(begun, changes)
    refuse_changes(found, changed_keys(begun, config))
    check_device(config)
    check_loggers(config.logger)
    with data_progress(partial(say, quiet=quiet)):
        plan = make_plan(config, run_dir)
    # The run keeps its coefficients as numbers; where they came from is known by its record.
    plan.record["coefficients_source"] = found.record["coefficients_source"]
    return _DRIVER.resume(found, plan, run_dir=run_dir, quiet=quiet, callbacks=callbacks)


def _notes(run: Run, plan: ComparisonPlan) -> Iterator[str]:
    chosen = plan.coefficients
    yield (
        f"run {run.reference}: {', '.join(plan.baselines)}; compound by alpha {chosen.alpha:g}, "
        f"beta {chosen.beta:g}, gamma {chosen.gamma:g} ({plan.record['coefficients_source']})"
    )
    yield from plan.notes
    yield from plan.evaluator.notices
    if plan.record["coefficients_doubt"]:
        yield f"warning: {plan.record['coefficients_doubt']}"
    for entry in plan.entries:
        if not entry.reachable:
            yield (
                f"{entry.baseline}: {entry.method} comes no nearer to {format_count(entry.budget)} "
                f"MACs than {entry.error:+.1%}: unreachable, not trained"
            )


def _compare(run: Run, plan: ComparisonPlan, quiet: bool) -> ComparisonResult:
    measured, left = _run_trainings(run, plan, quiet)
    errors = [error for one in measured.values() for error in one.errors]
    if not any(one.rewards for one in measured.values()):
        cause = f"; the first: {errors[0]}" if errors else ""
        raise EffsearchError(f"none of {len(measured)} networks could be trained{cause}")
    say(failures(measured, "networks"), quiet)
    rows, noise = make_rows(plan.entries, measured)
    references = judge_methods(plan.entries, measured)
    answer = _answer(run, plan, rows, noise, references, left).to_dict()
    write_atomically(run.path / "comparison.csv", rows_csv(rows))
    write_trials(run, run.paths.csv)
    save_png(lambda: methods(rows, answer), run.paths.plots / "comparison.png")
    write_json(run.paths.answer, answer)
    return ComparisonResult(run=run.reference, path=run.path, rows=rows, answer=answer)


_DRIVER = Driver[ComparisonPlan, ComparisonResult](
    kind=KIND, execute=_compare, introduce=_notes, content=("data", "recipe", "networks")
)


def _run_trainings(run: Run, plan: ComparisonPlan, quiet: bool) -> tuple[dict[str, Measured], int]:
    """What they came to by network's id, and for how many a budget left no time."""
    config, jobs, budget = plan.config, plan.jobs, plan.budget
    with (
        queue_runner(config, quiet, typical=plan.typical, budget=budget) as run_queue,
        Ledger.open(run.paths.ledger) as ledger,
    ):
        say(ledger.notice or "", quiet)
        queue = trainings_of(jobs, ledger, seeds=config.seeds, seed=config.seed, budget=budget)
        run_queue(queue, plan.evaluator, "comparison")
    say(budget.left_out(queue.left, queue.samples, "the comparison"), quiet)
    return queue.measured, queue.left


def _answer(
    run: Run,
    plan: ComparisonPlan,
    rows: list[dict[str, Any]],
    noise: dict[str, Any],
    references: list[dict[str, Any]],
    left: int,
) -> ComparisonAnswer:
    conditions = Conditions.of(plan.record, seeds=plan.config.seeds, scaled=True)
    return ComparisonAnswer(
        kind=KIND,
        run=run.reference,
        baselines=plan.record["baselines"],
        coefficients={
            "source": plan.record["coefficients_source"],
            "alpha": plan.coefficients.alpha,
            "beta": plan.coefficients.beta,
            "gamma": plan.coefficients.gamma,
        },
        budget_tolerance=plan.config.budget_tolerance,
        seeds=plan.config.seeds,
        seed=plan.config.seed,
        trainings_left=left or None,
        **noise,
        references=references or None,
        conditions=conditions.to_dict() if conditions else None,
        data=plan.record["data"],
        recipe=plan.record["recipe"],
        flops_convention=run.record["flops_convention"],
        versions=run.record["versions"],
        rows=rows,
    )

"""`effsearch baseline`: runs a search in a run directory, from its configuration to its answer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from effsearch.nas.answer import BaselineResult, check_some, make_answer
from effsearch.nas.auto_weight import with_learned_weight
from effsearch.nas.calibration import calibrate
from effsearch.nas.config import BaselineConfig, make_config
from effsearch.nas.estimates import judge_estimates
from effsearch.nas.evaluators.table import TableEvaluator
from effsearch.nas.finalists import Verdict, choose_finalists, finalist_queue, judge
from effsearch.nas.latency_check import LatencyCheck, MeterError, check_latency, measure_networks
from effsearch.nas.references import NO_REFERENCE, judge_references, reference_queue
from effsearch.nas.search import Search
from effsearch.nas.setup import SearchPlan, make_plan
from effsearch.nas.supernet_in_run import ready_evaluator
from effsearch.results.callbacks import Callbacks
from effsearch.results.config import changed_keys
from effsearch.results.kinds.baseline import FINALISTS_LEDGER, REFERENCES_LEDGER
from effsearch.results.kinds.registry import resume_command
from effsearch.results.lifecycle import (
    Driver,
    find_run,
    has_results,
    refuse_changes,
    say,
    write_trials,
)
from effsearch.results.loggers import check_loggers
from effsearch.results.references import Reference
from effsearch.results.store.files import write_json
from effsearch.results.store.ledger import Ledger, iterate_events, no_garbage
from effsearch.results.store.run import Run
from effsearch.results.store.trials import Trial, join_trials
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError, MissingResourceError
from effsearch.training.data.progress import data_progress
from effsearch.training.trials.evaluator import Evaluator
from effsearch.training.trials.jobs import failures
from effsearch.training.trials.options import go_on_as_begun
from effsearch.training.trials.queue_runner import queue_runner

KIND = "baseline"


def search_baseline(
    config: BaselineConfig,
    *,
    run_dir: Path = Path("runs"),
    name: str | None = None,
    quiet: bool = False,
    command: Sequence[str] = ("effsearch", "baseline"),
    callbacks: Callbacks = (),
) -> BaselineResult:
    """Search a baseline network in a new run.

    Raises:
        EffsearchError: see its children; `Interrupted` says how to resume.
    """
    config.check_wanted()
    check_loggers(config.logger)
    config, weight_note = with_learned_weight(config, run_dir)
    with data_progress(partial(say, quiet=quiet)):
        plan = make_plan(config, run_dir)
    note = partial(_notes, weight_note)
    driver = replace(_DRIVER, introduce=note)
    return driver.start(
        plan, run_dir=run_dir, name=name, quiet=quiet, command=command, callbacks=callbacks
    )


def resume_baseline(
    reference: str | None,
    changes: Mapping[str, Any],
    *,
    run_dir: Path = Path("runs"),
    quiet: bool = False,
    callbacks: Callbacks = (),
) -> BaselineResult:
    """Go on with a run that was stopped, or with more samples.

    Args:
        reference: path or `baseline/001`; None for the newest baseline run.
        changes: configuration keys given anew. Only those that do not change what is searched
            may differ from the run's.

    Raises:
        InputError: no such run, or a change that would make it another search.
        EffsearchError: as `search_baseline`.
    """
    found = find_run(run_dir, reference, KIND)
    begun, changes = go_on_as_begun(found.record, changes)
    # Of a run that knew no references none is trained, unless they are asked for now.
    config = make_config({"reference": NO_REFERENCE} | begun, changes)
    # A run of an earlier version lacks the keys that are new.
    refuse_changes(found, changed_keys(make_config(begun).to_dict(), config))
    check_loggers(config.logger)
    with data_progress(partial(say, quiet=quiet)):
        plan = make_plan(config, run_dir)
    return _DRIVER.resume(found, plan, run_dir=run_dir, quiet=quiet, callbacks=callbacks)


def _notes(weight_note: str, run: Run, plan: SearchPlan) -> list[str]:
    return [
        f"run {run.reference}: {plan.record['objective']}, space {plan.space.name}",
        weight_note,
        *objective_notes(plan.config),
        _table_note(plan.evaluator),
        *plan.warm_start.notes,
        plan.latency.note if plan.latency else "",
        *plan.evaluator.notices,
    ]


def _search(run: Run, plan: SearchPlan, quiet: bool) -> BaselineResult:
    try:
        found = _run_trials(run, plan, quiet)
    finally:  # what was evaluated before a Ctrl-C is there to look at
        trials = write_trials(run, run.paths.csv)
    _tell_constant(trials, quiet)
    known = calibrate(plan.problem, plan.strategy.measured, plan.config.seed)
    ranked, verdict, references, left = found
    check_some(trials, ranked)
    latency = _check_latency(run, plan, [verdict.winner] if verdict else ranked, quiet)
    estimates = judge_estimates(plan, verdict)
    result = make_answer(
        run, plan, trials, ranked, verdict, references, known, latency, estimates, left
    )
    write_json(run.paths.answer, result.answer)
    return result


_DRIVER = Driver[SearchPlan, BaselineResult](
    kind=KIND,
    execute=_search,
    introduce=partial(_notes, ""),
    content=("space", "data", "recipe", "evaluator", "latency", "warm_start", "start"),
    resumable=(MissingResourceError, MeterError),
)


class _Found(NamedTuple):
    """What trials came to.

    Attributes:
        ranked: the search's, best first.
        verdict: of the finalists; None without any.
        references: beside them.
        left: trainings of finalists and references for which a budget left no time.
    """

    ranked: list[Trial]
    verdict: Verdict | None = None
    references: Sequence[Reference] = ()
    left: int = 0


def _run_trials(run: Run, plan: SearchPlan, quiet: bool) -> _Found:
    """Run the search, its finalists and the references. Ray is started only if needed."""
    config = plan.config

    def per_trial(workers: int) -> int:
        _warn_idle(workers, plan, quiet)
        return plan.per_trial(workers)

    evaluator = ready_evaluator(run, plan, quiet)
    trains = plan.trainer is not None
    budget = plan.budget
    with queue_runner(
        config,
        quiet,
        trains=trains,
        typical=plan.typical,
        per_trial=per_trial,
        budget=budget,
    ) as run_queue:
        with Ledger.open(run.paths.ledger) as ledger:
            say(ledger.notice or "", quiet)
            with no_garbage():
                search = _make_search(run, plan, ledger)
            budget.begin([*plan.later_finalists, *plan.later_references])
            run_queue(search, evaluator, "search")
            _tell_end(search, plan, quiet)
            ranked = search.ranked(join_trials(iterate_events(run.paths.ledger)))
        if not config.finalist_count or not ranked:
            return _Found(ranked)
        with Ledger.open(run.path / FINALISTS_LEDGER) as ledger:
            say(ledger.notice or "", quiet)
            finalists = choose_finalists(ranked, config)
            budget.begin(plan.later_references, plan.times_longer)
            queue = finalist_queue(finalists, config, plan.problem.objective, ledger, budget)
            run_queue(queue, plan.finalist_evaluator, "finalists")
            say(budget.left_out(queue.left, queue.samples, "finalists"), quiet)
            scores = {id: found.scores for id, found in queue.measured.items()}
            verdict = judge(finalists, scores, plan.problem.objective)
        if not plan.references or verdict is None:
            return _Found(ranked, verdict, left=queue.left)
        with Ledger.open(run.path / REFERENCES_LEDGER) as ledger:
            say(ledger.notice or "", quiet)
            budget.begin(times=plan.times_longer)
            trained = reference_queue(plan.references, config, ledger, budget)
            run_queue(trained, plan.finalist_evaluator, "references")
            say(budget.left_out(trained.left, trained.samples, "references"), quiet)
            say(failures(trained.measured, "references"), quiet)
            references = judge_references(plan.references, trained.measured, verdict)
            return _Found(ranked, verdict, references, queue.left + trained.left)


def _check_latency(
    run: Run, plan: SearchPlan, ranked: Sequence[Trial], quiet: bool
) -> LatencyCheck | None:
    """Measure the winner where a latency is wanted; by now nothing trains beside it."""
    if plan.latency is None:
        return None
    with _told_how_to_go_on(run):
        checked = check_latency(plan.latency, plan.problem.objective, ranked)
    for note in checked.notes:
        say(note, quiet)
    return checked


@contextmanager
def _told_how_to_go_on(run: Run) -> Iterator[None]:
    """A failed measurement ends a search that can be resumed: phones are unplugged."""
    try:
        yield
    except EffsearchError as error:
        is_missing = isinstance(error, MissingResourceError)
        if is_missing and not has_results(run):
            raise
        raise (MissingResourceError if is_missing else MeterError)(
            f"{error}; nothing finished is lost. Resume with: {resume_command(run.path, KIND)}"
        ) from None


def _make_search(run: Run, plan: SearchPlan, ledger: Ledger) -> Search:
    config, source = plan.config, plan.latency

    def latencies(networks: Sequence[Architecture]) -> list[float | EffsearchError]:
        assert source is not None  # the plan saw to it
        with _told_how_to_go_on(run):
            return [
                found if isinstance(found, EffsearchError) else found.timing.low_ms
                for found in measure_networks(source, networks)
            ]

    return Search(
        plan.problem,
        plan.strategy,
        ledger,
        samples=config.samples,
        batch_size=plan.batch_size,
        seed=config.seed,
        events=ledger.history(),
        budget=plan.budget,
        pruning=plan.pruning,
        fidelities=plan.fidelities,
        known=plan.warm_start.known,
        latencies=latencies if config.latency_measure == "each" else None,
    )


def _warn_idle(workers: int, plan: SearchPlan, quiet: bool) -> None:
    if workers > plan.batch_size:
        say(
            f"{workers} workers but batches of {plan.batch_size}: a larger --batch-size would "
            "keep all of them busy",
            quiet,
        )


def _tell_end(search: Search, plan: SearchPlan, quiet: bool) -> None:
    if search.stop_wished:
        say(f"stopped by a callback after {search.done} networks", quiet)
    elif search.out_of_time and search.done < search.samples:
        kept = plan.budget.reserved
        rest = f", {kept:.0f} s are kept for finalists and references" if kept else ""
        say(f"time budget: no further network after {plan.budget.elapsed:.0f} s{rest}", quiet)
    say(search.exhausted_line, quiet)


def _tell_constant(trials: Sequence[Trial], quiet: bool) -> None:
    accuracies = {trial.accuracy for trial in trials if trial.state == "done"}
    if len(accuracies) == 1 and len(trials) > 2:
        say(
            f"every network measured {accuracies.pop():.4f}: the evaluation cannot distinguish "
            "them, so the winner is arbitrary; train longer or on more data",
            quiet,
        )


def _table_note(evaluator: Evaluator) -> str:
    """How many networks a table lacks, and what becomes of them; empty where it lacks none."""
    if not isinstance(evaluator, TableEvaluator) or not evaluator.coverage.gaps:
        return ""
    become = {
        "fail": "each that is asked for is a failed trial (--table-missing nearest takes the "
        "nearest one's values)",
        "nearest": "the values of the nearest one are used",
    }
    return f"{evaluator.coverage.gaps}: {become[evaluator.missing]}"


def objective_notes(config: BaselineConfig) -> list[str]:
    """What a user should know of an objective before its search."""
    if config.given_objective is not None:
        return []
    if not config.targets:
        return ["no target: the reward is the accuracy alone"]
    if config.objective == "soft":
        return [
            "with a soft objective the target is a constant factor: it does not move the "
            "optimum, the weight does (MnasNet, equation 2, alpha = beta); the answer says where "
            "the optimum lies and which weight would put it at the target"
        ]
    return []

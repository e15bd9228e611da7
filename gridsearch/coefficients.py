"""`effsearch coefficients`: runs a grid in a run directory, from configuration to answer."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from effsearch.gridsearch.answer import CoefficientsResult, decision, make_answer, scores_of
from effsearch.gridsearch.choice import choose
from effsearch.gridsearch.config import (
    BEFORE,
    TOP_KEYS,
    CoefficientsConfig,
    make_config,
)
from effsearch.gridsearch.references import reference_queue, scaled_alone
from effsearch.gridsearch.repeats import networks_to_repeat
from effsearch.gridsearch.setup import GridPlan, make_plan
from effsearch.gridsearch.study import (
    StudySource,
    bring_in_line,
    check_storage,
    database_at_work,
    open_study,
)
from effsearch.results.callbacks import Callbacks
from effsearch.results.config import changed_keys
from effsearch.results.lifecycle import (
    Driver,
    find_run,
    refuse_changes,
    say,
    write_trials,
)
from effsearch.results.loggers import check_loggers
from effsearch.results.plots.files import save_png
from effsearch.results.plots.heatmap import surface
from effsearch.results.store.events import Asked
from effsearch.results.store.files import write_atomically, write_json
from effsearch.results.store.ledger import Ledger, read_events
from effsearch.results.store.run import Run
from effsearch.results.store.secrets import hide_secrets
from effsearch.results.store.table import rows_csv
from effsearch.results.store.trials import join_trials
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.units import plural
from effsearch.training.data.progress import data_progress
from effsearch.training.trials.halving import Halving
from effsearch.training.trials.jobs import Measured, failures
from effsearch.training.trials.options import go_on_as_begun
from effsearch.training.trials.queue_runner import check_device, queue_runner
from effsearch.training.trials.trainings import Trainings, training_seed, trainings_of

KIND = "coefficients"
TOP_LEDGER = "top.jsonl"
REFERENCES_LEDGER = "references.jsonl"
STUDY_FILE = "study.db"


def search_coefficients(
    config: CoefficientsConfig,
    *,
    run_dir: Path = Path("runs"),
    name: str | None = None,
    quiet: bool = False,
    command: Sequence[str] = ("effsearch", "coefficients"),
    callbacks: Callbacks = (),
) -> CoefficientsResult:
    """Search the compound coefficients in a new run.

    Raises:
        EffsearchError: see its children; `Interrupted` says how to resume.
    """
    check_device(config)
    check_loggers(config.logger)
    with data_progress(partial(say, quiet=quiet)):
        plan = make_plan(config, run_dir)
    if config.storage is not None:
        check_storage(config.storage)
    return _DRIVER.start(
        plan, run_dir=run_dir, name=name, quiet=quiet, command=command, callbacks=callbacks
    )


def resume_coefficients(
    reference: str | None,
    changes: Mapping[str, Any],
    *,
    run_dir: Path = Path("runs"),
    quiet: bool = False,
    callbacks: Callbacks = (),
) -> CoefficientsResult:
    """Go on with a run that was stopped, or train the best of a finished grid again.

    Args:
        reference: path or `coefficients/001`; None for the newest coefficients run.
        changes: configuration keys given anew. Only those that do not change what is measured
            may differ from the run's; `top` with its epochs and seeds while none of the top
            networks has been trained, and `repeats` while no network has been trained again.

    Raises:
        InputError: no such run, a change that would make it another search, or a study of another
            grid in its place.
        EffsearchError: as `search_coefficients`.
    """
    found = find_run(run_dir, reference, KIND)
    begun, changes = go_on_as_begun(found.record, changes)
    before = BEFORE | begun
    config = make_config(before, changes)
    if config.baseline != found.config["baseline"]:
        _same_baseline(found, config, run_dir)
        config = make_config(config.to_dict(), {"baseline": found.config["baseline"]})
    refuse_changes(found, changed_keys(before, config, _may_change(found)))
    if config.storage is not None and "***" in config.storage:
        raise InputError("the password of the study's database is not kept: give --storage again")
    check_device(config)
    check_loggers(config.logger)
    with data_progress(partial(say, quiet=quiet)):
        plan = make_plan(config, run_dir)
    return _DRIVER.resume(found, plan, run_dir=run_dir, quiet=quiet, callbacks=callbacks)


def _notes(run: Run, plan: GridPlan) -> list[str]:
    return [
        f"run {run.reference}: baseline {plan.source}",
        plan.note,
        f"{plan.triples} triples, {len(plan.candidates)} distinct networks",
        *plan.evaluator.notices,
    ]


def _search(run: Run, plan: GridPlan, quiet: bool) -> CoefficientsResult:
    try:
        grid, top, references, left = _run_trainings(run, plan, quiet)
    finally:  # what was trained before a Ctrl-C is there to look at
        write_trials(run, run.path / "trainings.csv")
    result = make_answer(run, plan, grid, top, references, left)
    say(failures(grid, "networks of the grid"), quiet)
    say(failures(top, "networks trained again"), quiet)
    write_atomically(run.paths.csv, rows_csv(result.triples))
    picture = run.paths.plots / "heatmap.png"
    save_png(lambda: surface(result.triples, result.answer), picture)
    write_json(run.paths.answer, result.answer)
    return result


_DRIVER = Driver[GridPlan, CoefficientsResult](
    kind=KIND, execute=_search, introduce=_notes, content=("data", "recipe", "grid")
)


class _Trained(NamedTuple):
    """What trainings came to, by network's id: of the grid, of its top networks again, of the
    references of the one that is chosen; and for how many a budget left no time."""

    grid: dict[str, Measured]
    top: dict[str, Measured]
    references: dict[str, Measured]
    left: int


def _run_trainings(run: Run, plan: GridPlan, quiet: bool) -> _Trained:
    top: dict[str, Measured] = {}
    budget = plan.budget

    def left_of(queue: Trainings, what: str) -> int:
        say(budget.left_out(queue.left, queue.samples, what), quiet)
        return queue.left

    with queue_runner(plan.config, quiet, typical=plan.typical, budget=budget) as run_queue:
        url = plan.config.storage or _local_storage(run)
        with Ledger.open(run.paths.ledger) as ledger, database_at_work(url):
            say(ledger.notice or "", quiet)
            budget.begin([*plan.later_repeats, *plan.later_top, *plan.later_references])
            grid = _grid_queue(run, plan, url, ledger, quiet)
            run_queue(grid, plan.evaluator, "grid")
            measured, left = grid.measured, left_of(grid, "the grid")
            # They follow from the whole grid: of a part of it others would be trained again.
            if plan.config.seeds == 1 and plan.config.repeats and not left:
                budget.begin([*plan.later_top, *plan.later_references])
                repeats = _repeat_queue(plan, measured, ledger)
                run_queue(repeats, plan.evaluator, "repeats")
                measured = repeats.measured
                left += left_of(repeats, "the grid, again")
        if plan.config.top:
            with Ledger.open(run.path / TOP_LEDGER) as ledger:
                say(ledger.notice or "", quiet)
                budget.begin(plan.later_references, plan.times_longer)
                queue = _top_queue(plan, measured, ledger)
                run_queue(queue, plan.longer, "top")
                top = queue.measured
                left += left_of(queue, "the top networks")
        chosen = decision(plan, measured, top)
        if chosen is None or plan.config.reference == "none":
            return _Trained(measured, top, {}, left)
        with Ledger.open(run.path / REFERENCES_LEDGER) as ledger:
            say(ledger.notice or "", quiet)
            alone = scaled_alone(plan, chosen.winner)
            budget.begin(times=plan.times_longer if chosen.by_top else 1.0)
            trained = reference_queue(plan, alone, longer=chosen.by_top, ledger=ledger)
            run_queue(trained, plan.longer if chosen.by_top else plan.evaluator, "references")
            say(failures(trained.measured, "references"), quiet)
            left += left_of(trained, "references")
            return _Trained(measured, top, trained.measured, left)


def _grid_queue(run: Run, plan: GridPlan, url: str, ledger: Ledger, quiet: bool) -> Trainings:
    config, events = plan.config, ledger.history()
    failed = {trial.arch_id for trial in join_trials(events) if trial.state == "failed"}
    study = open_study(url, f"{run.reference} {run.record['created_at']}", plan.identity)
    repaired = bring_in_line(study, plan.candidates, failed)
    if repaired.retried:
        say(f"{plural(repaired.retried, 'trial')} of the study cut off: enqueued again", quiet)
    say(f"study: optuna-dashboard {hide_secrets(url)}", quiet)
    return Trainings(
        StudySource(study, repaired.missing, config.make_grid(), plan.candidates, plan.resolutions),
        ledger,
        events,
        networks=len(plan.candidates),
        seeds=config.seeds,
        seed_of=partial(training_seed, config.seed),
        halving=Halving(plan.evaluator.recipe.epochs) if config.pruning == "halving" else None,
        budget=plan.budget,
    )


def _repeat_queue(plan: GridPlan, grid: Mapping[str, Measured], ledger: Ledger) -> Trainings:
    """A second training, in the grid's ledger, of the networks that the model names.

    They follow from the first trainings alone, so that a resumed run names the same ones.
    """
    first = {id: found.rewards[0] for id, found in grid.items() if 0 in found.rewards}
    again = networks_to_repeat(plan.candidates, first, plan.config.repeats)
    jobs = [plan.job(candidate) for candidate in again]
    queue = trainings_of(jobs, ledger, seeds=2, seed=plan.config.seed, budget=plan.budget)
    queue.samples = len(grid) + len(again)  # the first trainings are done and are counted as such
    return queue


def _top_queue(plan: GridPlan, grid: Mapping[str, Measured], ledger: Ledger) -> Trainings:
    """The networks of the grid of which most is expected; those begun already come first."""
    scores = scores_of(grid)
    choice = choose(plan.candidates, scores)
    expected = choice.expected if choice else {}
    measured = [found for found in plan.candidates if found.id in scores]
    begun = {event.arch_id for event in ledger.history() if isinstance(event, Asked)}
    best = sorted(
        measured,
        key=lambda one: (one.id not in begun, -expected[one.id].mean, one.cost.macs, one.id),
    )
    return trainings_of(
        [plan.job(candidate) for candidate in best[: plan.config.top]],
        ledger,
        seeds=plan.config.top_seeds,
        # Other seeds than in the grid: what was lucky there is measured afresh.
        seed=plan.config.seed + 1_000_000,
        budget=plan.budget,
    )


def _may_change(run: Run) -> frozenset[str]:
    """Keys of what has not begun yet, which a resumption may give anew too."""
    keys = frozenset() if (run.path / TOP_LEDGER).exists() else TOP_KEYS
    events = read_events(run.paths.ledger) if run.paths.ledger.exists() else []
    if all(event.batch == 0 for event in events if isinstance(event, Asked)):
        keys |= {"repeats"}
    return keys


def _local_storage(run: Run) -> str:
    from sqlalchemy.engine import URL

    database = run.path.resolve() / STUDY_FILE
    return URL.create("sqlite", database=str(database)).render_as_string()


def _same_baseline(run: Run, config: CoefficientsConfig, run_dir: Path) -> None:
    """A baseline may be named otherwise than when the run started, if it is the same network."""
    from effsearch.results.store.answers import find_baseline

    given = find_baseline(run_dir, config.baseline).architecture
    if given.id != run.record["baseline"]["id"]:
        refuse_changes(run, ["baseline"])

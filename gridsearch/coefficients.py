"""`effsearch coefficients`: runs a grid in a run directory, from configuration to answer."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from effsearch.gridsearch.answer import CoefficientsResult, make_answer, scores_of
from effsearch.gridsearch.config import MAY_CHANGE, TOP_KEYS, CoefficientsConfig, make_config
from effsearch.gridsearch.heat_map import draw_heat_map
from effsearch.gridsearch.jobs import ListSource, Measured, failures
from effsearch.gridsearch.running import check_device, queue_runner
from effsearch.gridsearch.setup import Plan, make_plan
from effsearch.gridsearch.study import (
    StudySource,
    bring_in_line,
    check_storage,
    database_at_work,
    hide_password,
    open_study,
)
from effsearch.gridsearch.trainings import Trainings
from effsearch.results.config import changed_keys
from effsearch.results.lifecycle import (
    ending_recorded,
    find_run,
    new_run,
    refuse_changes,
    refuse_other_content,
    say,
    write_trials,
)
from effsearch.results.store.files import write_atomically, write_json
from effsearch.results.store.ledger import Ledger, read_events
from effsearch.results.store.run import Run
from effsearch.results.store.table import rows_csv
from effsearch.results.store.trials import join_trials
from effsearch.search_spaces.errors import InputError
from effsearch.training.data.progress import data_progress
from effsearch.training.trials.halving import Halving

KIND = "coefficients"
TOP_LEDGER = "top.jsonl"
STUDY_FILE = "study.db"


def search_coefficients(
    config: CoefficientsConfig,
    *,
    run_dir: Path = Path("runs"),
    name: str | None = None,
    quiet: bool = False,
    command: Sequence[str] = ("effsearch", "coefficients"),
) -> CoefficientsResult:
    """Search the compound coefficients in a new run.

    Raises:
        EffsearchError: see its children; `Interrupted` says how to resume.
    """
    check_device(config)
    with data_progress(partial(say, quiet=quiet)):
        plan = make_plan(config, run_dir)
    if config.storage is not None:
        check_storage(config.storage)
    with new_run(
        run_dir, KIND, name, command=command, config=plan.stored_config(), extra=plan.record
    ) as run:
        say(f"run {run.reference}: baseline {plan.source}", quiet)
        say(f"{plan.triples} triples, {len(plan.candidates)} distinct networks", quiet)
        for note in plan.evaluator.notices:
            say(note, quiet)
        return _run(run, plan, quiet)


def resume_coefficients(
    reference: str | None,
    changes: Mapping[str, Any],
    *,
    run_dir: Path = Path("runs"),
    quiet: bool = False,
) -> CoefficientsResult:
    """Go on with a run that was stopped, or train the best of a finished grid again.

    Args:
        reference: path or `coefficients/001`; None for the newest coefficients run.
        changes: configuration keys given anew. Only those that do not change what is measured
            may differ from the run's, and `top` with its epochs and seeds while none of the top
            networks has been trained.

    Raises:
        InputError: no such run, a change that would make it another search, or a study of another
            grid in its place.
        EffsearchError: as `search_coefficients`.
    """
    found = find_run(run_dir, reference, KIND)
    config = make_config(found.config, changes)
    if config.baseline != found.config["baseline"]:
        _same_baseline(found, config, run_dir)
        config = make_config(config.to_dict(), {"baseline": found.config["baseline"]})
    may_change = MAY_CHANGE if (found.path / TOP_LEDGER).exists() else MAY_CHANGE | TOP_KEYS
    refuse_changes(found, changed_keys(found.config, config.to_dict(), may_change))
    if config.storage is not None and "***" in config.storage:
        raise InputError("the password of the study's database is not kept: give --storage again")
    check_device(config)
    with data_progress(partial(say, quiet=quiet)):
        plan = make_plan(config, run_dir)
    refuse_other_content(found, plan.record, ("data", "recipe", "grid"))
    with Run.resume(run_dir, found.path) as run:
        say(f"resuming {run.reference}", quiet)
        return _run(run, plan, quiet)


def _run(run: Run, plan: Plan, quiet: bool) -> CoefficientsResult:
    with ending_recorded(run, plan.stored_config()):
        try:
            grid, top = _run_trainings(run, plan, quiet)
        finally:  # what was trained before a Ctrl-C is there to look at
            write_trials(run, run.path / "trainings.csv")
        result = make_answer(run, plan, grid, top)
        say(failures(grid, "networks of the grid"), quiet)
        say(failures(top, "networks trained again"), quiet)
        write_atomically(run.paths.csv, rows_csv(result.triples))
        run.paths.plots.mkdir(exist_ok=True)
        draw_heat_map(result.triples, result.answer, run.paths.plots / "heatmap.png")
        write_json(run.paths.answer, result.answer)
    return result


def _run_trainings(
    run: Run, plan: Plan, quiet: bool
) -> tuple[dict[str, Measured], dict[str, Measured]]:
    """The grid, then its top networks again."""
    with queue_runner(plan.config, quiet) as run_queue:
        url = plan.config.storage or _local_storage(run)
        with Ledger.open(run.paths.ledger) as ledger, database_at_work(url):
            say(ledger.notice or "", quiet)
            grid = _grid_queue(run, plan, url, ledger, quiet)
            run_queue(grid, plan.evaluator, "grid")
        if not plan.config.top:
            return grid.measured, {}
        with Ledger.open(run.path / TOP_LEDGER) as ledger:
            say(ledger.notice or "", quiet)
            top = _top_queue(plan, grid.measured, ledger)
            run_queue(top, plan.longer, "top")
        return grid.measured, top.measured


def _grid_queue(run: Run, plan: Plan, url: str, ledger: Ledger, quiet: bool) -> Trainings:
    config, events = plan.config, read_events(ledger.path)
    failed = {trial.arch_id for trial in join_trials(events) if trial.state == "failed"}
    study = open_study(url, f"{run.reference} {run.record['created_at']}", plan.identity)
    repaired = bring_in_line(study, plan.candidates, failed)
    if repaired.retried:
        say(f"{repaired.retried} trials of the study were cut off: enqueued again", quiet)
    say(f"study: optuna-dashboard {hide_password(url)}", quiet)
    return Trainings(
        StudySource(study, repaired.missing, config.make_grid(), plan.candidates, plan.resolutions),
        ledger,
        events,
        networks=len(plan.candidates),
        seeds=config.seeds,
        seed=config.seed,
        halving=Halving(plan.evaluator.recipe.epochs) if config.pruning == "halving" else None,
    )


def _top_queue(plan: Plan, grid: Mapping[str, Measured], ledger: Ledger) -> Trainings:
    """The best networks of the grid; ties in the mean go to the cheaper one."""
    means = {id: sum(scores) / len(scores) for id, scores in scores_of(grid).items()}
    measured = [candidate for candidate in plan.candidates if candidate.id in means]
    best = sorted(measured, key=lambda found: (-means[found.id], found.cost.macs, found.id))
    chosen = best[: plan.config.top]
    return Trainings(
        ListSource(plan.job(candidate) for candidate in chosen),
        ledger,
        read_events(ledger.path),
        networks=len(chosen),
        seeds=plan.config.top_seeds,
        # Other seeds than in the grid: what was lucky there is measured afresh.
        seed=plan.config.seed + 1_000_000,
    )


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

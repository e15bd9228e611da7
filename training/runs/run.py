"""`effsearch train`: runs a training in a run directory, from its configuration to its answer."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from effsearch.results.callbacks import Callbacks
from effsearch.results.config import changed_keys
from effsearch.results.lifecycle import (
    Driver,
    find_run,
    refuse_changes,
    say,
)
from effsearch.results.store.files import write_json
from effsearch.results.store.run import Run
from effsearch.training.data.progress import data_progress
from effsearch.training.loop.evaluation import (
    Evaluation,
    channel_levels,
    evaluate_network,
    evaluation_batch,
)
from effsearch.training.models.model_file import read_model
from effsearch.training.runs.answer import TrainResult, make_answer
from effsearch.training.runs.checkpointer import TrainPaths
from effsearch.training.runs.config import TrainConfig, make_config
from effsearch.training.runs.preparation import make_plan, remake_plan
from effsearch.training.runs.session import Stopped, train_session
from effsearch.training.runs.setup import TrainingPlan
from effsearch.training.sources import EvaluationView

KIND = "train"


def train_model(
    config: TrainConfig,
    *,
    run_dir: Path = Path("runs"),
    name: str | None = None,
    quiet: bool = False,
    command: Sequence[str] = ("effsearch", "train"),
    callbacks: Callbacks = (),
) -> TrainResult:
    """Train a network in a new run.

    Raises:
        EffsearchError: see its children; `Interrupted` says how to resume.
    """
    with data_progress(partial(say, quiet=quiet)):
        plan = make_plan(config, run_dir)
    return _DRIVER.start(
        plan, run_dir=run_dir, name=name, quiet=quiet, command=command, callbacks=callbacks
    )


def resume_training(
    reference: str | None,
    changes: Mapping[str, Any],
    *,
    run_dir: Path = Path("runs"),
    quiet: bool = False,
    callbacks: Callbacks = (),
) -> TrainResult:
    """Go on with a training that was stopped, from its last checkpoint.

    On a CPU its weights become those of a training that was never stopped.

    Args:
        reference: path or `train/001`; None for the newest train run.
        changes: configuration keys given anew. Only those that do not decide the weights may
            differ from the run's.

    Raises:
        InputError: no such run, a change that would make it another training, data with other
            labels, classes or sizes (pixels alone are not looked at), or a damaged or foreign
            checkpoint.
        EffsearchError: as `train_model`.
    """
    found = find_run(run_dir, reference, KIND)
    config = make_config(found.config, changes)
    refuse_changes(found, changed_keys(found.config, config))
    with data_progress(partial(say, quiet=quiet)):
        plan = remake_plan(config, found.record, weights=not TrainPaths(found.path).last.exists())
    return _DRIVER.resume(
        found, plan, run_dir=run_dir, quiet=quiet, title=f": {plan.title}", callbacks=callbacks
    )


def _train(run: Run, plan: TrainingPlan, quiet: bool) -> TrainResult:
    for note in plan.notes:
        say(note, quiet)
    try:
        trained = train_session(run, plan, quiet)
    except Stopped:
        raise KeyboardInterrupt from None
    result = make_answer(run, plan.architecture, trained, _evaluate(run, plan))
    write_json(run.paths.answer, result.answer)
    return result


def _evaluate(run: Run, plan: TrainingPlan) -> dict[str, Evaluation | None]:
    """The kept model, read back from its file, on the parts that were not trained on."""
    network, info = read_model(TrainPaths(run.path).best)
    source = plan.source
    network.to(source.device)
    view = EvaluationView(
        batch_size=evaluation_batch(info.resolution),
        resolution=info.resolution,
        crop_ratio=info.crop_ratio,
    )
    levels = channel_levels(info, source.device)
    parts: dict[str, Evaluation | None] = {}
    for part in ("validation", "test"):
        batches = source.evaluation_batches(part, view)
        found = evaluate_network(network, batches, info.class_names, *levels)
        parts[part] = found if found.images else None
    return parts


def _say_kept(run: Run) -> str:
    last = TrainPaths(run.path).last
    return f"the last checkpoint is {last}" if last.exists() else "no checkpoint was written yet"


_DRIVER = Driver[TrainingPlan, TrainResult](
    kind=KIND,
    execute=_train,
    introduce=lambda run, plan: [f"run {run.reference}: {plan.title}"],
    content=("data", "recipe"),
    settings=lambda run, plan: run.config,
    kept=_say_kept,
    has_trials=False,
)

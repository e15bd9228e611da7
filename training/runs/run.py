"""`effsearch train`: runs a training in a run directory, from its configuration to its answer."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from results.directory import resume_command
from results.files import write_json
from results.run import Run
from search_spaces.errors import EffsearchError, InputError, Interrupted
from training.evaluation import BATCH_SIZE, Evaluation, evaluate_network
from training.model_file import read_model
from training.runs.answer import TrainResult, make_answer
from training.runs.config import TrainConfig, changed_keys, make_config
from training.runs.keeper import TrainPaths
from training.runs.plan import Plan
from training.runs.planning import make_plan, remake_plan
from training.runs.session import Stopped, train_session

KIND = "train"


def train_model(
    config: TrainConfig,
    *,
    run_dir: Path = Path("runs"),
    name: str | None = None,
    quiet: bool = False,
    command: Sequence[str] = ("effsearch", "train"),
) -> TrainResult:
    """Train a network in a new run.

    Raises:
        EffsearchError: see its children; `Interrupted` says how to resume.
    """
    plan = make_plan(config, run_dir)
    with Run.create(
        run_dir, KIND, name, command=command, config=plan.stored_config(), extra=plan.record
    ) as run:
        _say(f"run {run.reference}: {plan.title}", quiet)
        return _run(run, plan, quiet)


def resume_training(
    reference: str | None,
    changes: Mapping[str, Any],
    *,
    run_dir: Path = Path("runs"),
    quiet: bool = False,
) -> TrainResult:
    """Go on with a training that was stopped, from its last checkpoint.

    On a CPU its weights become those of a training that was never stopped.

    Args:
        reference: path or `train/001`; None for the newest train run.
        changes: configuration keys given anew. Only those that do not decide the weights may
            differ from the run's.

    Raises:
        InputError: no such run, a change that would make it another training, data that is no
            longer the same, or a damaged or foreign checkpoint.
        EffsearchError: as `train_model`.
    """
    found = Run.latest(run_dir, reference or KIND)
    if found.kind != KIND:
        raise InputError(f"run {found.reference} is no train run: give one of those")
    config = make_config(found.config, changes)
    _refuse(found, changed_keys(found.config, config))
    plan = remake_plan(config, found.record, weights=not TrainPaths(found.path).last.exists())
    for key in ("data", "recipe"):
        if found.record.get(key) != _as_json(plan.record[key]):
            _refuse(found, [f"{key} (its content)"])
    with Run.resume(run_dir, found.path) as run:
        _say(f"resuming {run.reference}: {plan.title}", quiet)
        return _run(run, plan, quiet)


def _run(run: Run, plan: Plan, quiet: bool) -> TrainResult:
    for note in plan.notes:
        _say(note, quiet)
    try:
        trained = train_session(run, plan, quiet)
        result = make_answer(run, plan.architecture, trained, _evaluate(run, plan))
        write_json(run.paths.answer, result.answer)
    except (Stopped, KeyboardInterrupt):  # the latter by a second Ctrl-C, or one after training
        run.finish("interrupted")
        raise Interrupted(_say_stopped(run)) from None
    except EffsearchError as error:
        # The disk may be full: what happened is said in any case.
        with suppress(EffsearchError):
            run.finish("failed", error=str(error))
        raise
    run.finish("finished")
    return result


def _evaluate(run: Run, plan: Plan) -> dict[str, Evaluation | None]:
    """The kept model, read back from its file, on the parts that were not trained on."""
    network, info = read_model(TrainPaths(run.path).best)
    source = plan.source
    network.to(source.device)
    parts: dict[str, Evaluation | None] = {"validation": None, "test": None}
    for name, batches in (
        ("validation", source.validation_batches),
        ("test", source.test_batches),
    ):
        found = batches(
            batch_size=BATCH_SIZE, resolution=info.resolution, crop_ratio=info.crop_ratio
        )
        if found is not None and (name == "test" or plan.recipe.validation):
            parts[name] = evaluate_network(network, found, info)
    return parts


def _say_stopped(run: Run) -> str:
    last = TrainPaths(run.path).last
    kept = f"the last checkpoint is {last}" if last.exists() else "no checkpoint was written yet"
    return f"stopped; {kept}. Go on with: {resume_command(run.path, KIND)}"


def _refuse(run: Run, keys: list[str]) -> None:
    if keys:
        raise InputError(
            f"run {run.reference} was started with another {', '.join(keys)}: "
            "resume it as it was, or start a new run"
        )


def _as_json(value: object) -> Any:
    return json.loads(json.dumps(value))


def _say(line: str, quiet: bool) -> None:
    if line and not quiet:
        print(line, file=sys.stderr, flush=True)

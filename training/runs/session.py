"""One sitting of a training: from its start or its last checkpoint to its end or a wish to stop."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from effsearch.results.callbacks import Stop, tell
from effsearch.results.loggers import LoggedRun, open_loggers
from effsearch.results.store.alike import still_holds
from effsearch.results.store.run import Run
from effsearch.results.store.signals import wished_stop
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.training.loop.reports import EpochReport, StepReport, report_from_json
from effsearch.training.loop.trainer import DivergedError, Trainer
from effsearch.training.models.checkpoint import read_checkpoint
from effsearch.training.models.model_file import ModelInfo, network_name
from effsearch.training.models.weight_file import first_not_finite
from effsearch.training.runs.checkpointer import (
    Best,
    Checkpointer,
    TrainPaths,
    metrics_row,
    read_best,
)
from effsearch.training.runs.metrics import write_rows
from effsearch.training.runs.preparation import open_images
from effsearch.training.runs.progress import Display, shown_progress
from effsearch.training.runs.setup import TrainingPlan

if TYPE_CHECKING:
    from effsearch.training.distributed.launch import DistributedTrainer

__all__ = ["FinishedTraining", "Stopped", "train_session"]


class Stopped(Exception):
    """The user wished to stop, and all that was trained is on the disk."""


@dataclass(frozen=True)
class FinishedTraining:
    """All epochs of a training, and the best of them."""

    curve: tuple[EpochReport, ...]
    best: Best


@dataclass(frozen=True)
class _Past:
    """What the sittings before this one came to."""

    curve: tuple[EpochReport, ...] = ()
    best: Best | None = None


def train_session(run: Run, plan: TrainingPlan, quiet: bool) -> FinishedTraining:
    """Train to the last epoch, keeping metrics and checkpoints in the run's directory.

    Raises:
        Stopped: by Ctrl-C, after the step in progress and a checkpoint.
        EffsearchError: the training diverged, ran out of memory, or the disk is full; checkpoints
            written before stay.
    """
    paths = TrainPaths(run.path)
    paths.checkpoints.mkdir(exist_ok=True)
    info = plan.model_info(run.record["versions"])
    resumed = paths.last.exists()
    trainer = _make_trainer(plan)
    past = _restore(trainer, paths, info) if resumed else _Past()
    steps = plan.batches.steps
    write_rows(paths.metrics, [metrics_row(report, steps) for report in past.curve])
    with ExitStack() as open_things:
        logged = LoggedRun(
            path=run.path,
            reference=run.reference,
            settings=run.config,
            epochs_done=len(past.curve),
        )
        loggers = open_things.enter_context(open_loggers(plan.config.logger, logged))
        checkpointer = Checkpointer(paths, trainer, info, steps, best=past.best, loggers=loggers)
        display = open_things.enter_context(
            shown_progress(plan.recipe.epochs, len(past.curve), quiet)
        )
        wished = open_things.enter_context(wished_stop())
        watch = _Watch(checkpointer, display, wished, 60 * plan.config.checkpoint_minutes)
        try:
            curve = trainer.train(on_step=watch.step, on_epoch=watch.epoch).curve
        except Stop:  # a callback has seen enough; the last epoch is kept already
            curve = (*past.curve, *watch.curve)
        except DivergedError as error:
            raise EffsearchError(f"{error}; {_say_kept(paths, plan.recipe.lr)}") from None
    last = curve[-1]
    if last.diverged:
        raise EffsearchError(
            f"training diverged: the loss is not a finite number after step {last.diverged_at} "
            f"(epoch {last.epoch}, learning rate {last.learning_rate:.3g}); "
            f"{_say_kept(paths, plan.recipe.lr)}"
        )
    assert checkpointer.best is not None  # an epoch has ended, in this sitting or before it
    return FinishedTraining(curve, checkpointer.best)


class _Watch:
    """What happens after each step and epoch: shown, kept, stopped."""

    def __init__(
        self,
        checkpointer: Checkpointer,
        display: Display,
        wished: Callable[[], bool],
        seconds_between_checkpoints: float,
    ) -> None:
        self._checkpointer, self._display, self._wished = checkpointer, display, wished
        self._between = seconds_between_checkpoints
        self.curve: list[EpochReport] = []

    def step(self, report: StepReport) -> None:
        self._display.step(report)
        if self._wished():
            self._checkpointer.save()
            raise Stopped
        if self._checkpointer.seconds_since_saved >= self._between:
            self._checkpointer.save()

    def epoch(self, report: EpochReport) -> None:
        self._checkpointer.epoch(report)
        best = self._checkpointer.best
        self._display.epoch(report, None if best is None else best.accuracy)
        self.curve.append(report)
        tell("on_epoch", report)
        if self._wished() and report.epoch < report.epochs:
            raise Stopped


def _make_trainer(plan: TrainingPlan) -> "Trainer | DistributedTrainer":
    """One that trains here, or one that has Ray's workers train."""
    config = plan.config
    if not config.distributed:
        return Trainer(
            plan.network, plan.source, plan.recipe, resolution=plan.resolution, seed=config.seed
        )
    from effsearch.training.distributed.launch import DistributedTrainer, Workers

    return DistributedTrainer(
        plan.network,
        partial(
            open_images,
            config.with_absolute_data(),
            recipe=plan.recipe,
            statistics=(plan.source.mean.tolist(), plan.source.std.tolist()),
        ),
        plan.recipe,
        resolution=plan.resolution,
        seed=config.seed,
        workers=Workers(
            count=config.num_workers,
            gpus=config.gpus_per_worker,
            device=config.device,
            address=config.ray_address,
        ),
    )


def _restore(trainer: "Trainer | DistributedTrainer", paths: TrainPaths, info: ModelInfo) -> _Past:
    """Set a trainer to the last checkpoint.

    Raises:
        InputError: it is damaged, or of another training.
    """
    tensors, header = read_checkpoint(paths.last)
    stored = ModelInfo.from_header(header, paths.last)
    cure = "restore the run's own from a copy, or start a new run"
    if stored.architecture != info.architecture:
        raise InputError(
            f"'{paths.last}' holds {network_name(stored.architecture)}, and this run trains "
            f"{network_name(info.architecture)}: {cure}"
        )
    if not still_holds(stored.recipe, info.recipe) or dict(stored.data) != dict(info.data):
        raise InputError(f"'{paths.last}' belongs to another training: {cure}")
    progress = header.get("progress")
    if not isinstance(progress, dict):
        raise InputError(f"'{paths.last}' is a model, not a checkpoint: {cure}")
    if (name := first_not_finite(tensors)) is not None:
        raise InputError(f"'{paths.last}' holds NaN or infinite values, in '{name}': {cure}")
    try:
        trainer.restore(tensors, progress)
    except InputError as error:
        raise InputError(f"'{paths.last}': {error}") from None
    curve = tuple(report_from_json(row) for row in progress["curve"])
    return _Past(curve, read_best(header))


def _say_kept(paths: TrainPaths, rate: float) -> str:
    """Where the last good checkpoint of a diverged training is, and what to do."""
    kept = "there is no checkpoint yet"
    if paths.last.exists():
        kept = f"the last good checkpoint is {paths.last}"
    return f"{kept}: start a new run with a smaller learning rate, such as --set lr={rate / 10:.2g}"

"""What a training leaves behind while it runs: a row of metrics an epoch, the last checkpoint and
the best model. Whatever the moment it is killed at, a resumption finds a whole checkpoint.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from effsearch.results.loggers import Logger
from effsearch.training.loop.reports import EpochReport
from effsearch.training.models.checkpoint import save_checkpoint
from effsearch.training.models.model_file import ModelInfo, save_model
from effsearch.training.runs.metrics import append_row


class Trainee(Protocol):
    """What is kept of a training; see `effsearch.training.loop.trainer.Trainer`."""

    def state(self) -> dict[str, Tensor]:
        """All tensors of a checkpoint."""

    def progress(self) -> dict[str, Any]:
        """How far the training is."""

    def model_weights(self) -> dict[str, Tensor]:
        """The weights that are validated."""


@dataclass(frozen=True)
class Best:
    """The best epoch so far; its accuracy is None where nothing is validated on."""

    epoch: int
    accuracy: float | None


@dataclass(frozen=True)
class TrainPaths:
    """Where a training's own files lie in a run directory."""

    run: Path

    @property
    def checkpoints(self) -> Path:
        """The folder of the two checkpoints."""
        return self.run / "checkpoints"

    @property
    def last(self) -> Path:
        """What a training resumes from."""
        return self.checkpoints / "last.safetensors"

    @property
    def best(self) -> Path:
        """The model of the best epoch."""
        return self.checkpoints / "best.safetensors"

    @property
    def metrics(self) -> Path:
        """`metrics.csv`."""
        return self.run / "metrics.csv"


class Checkpointer:
    """Keeps one training; `epoch` and `save` are called between its steps.

    Args:
        paths: of the run; the folder of checkpoints exists.
        info: what the model files say, without metrics.
        best: of a resumed training.
        loggers: get each epoch's metrics too.
    """

    def __init__(
        self,
        paths: TrainPaths,
        trained: Trainee,
        info: ModelInfo,
        steps_per_epoch: int,
        *,
        best: Best | None = None,
        loggers: Sequence[Logger] = (),
    ) -> None:
        self.best = best
        self._paths, self._trained, self._info, self._loggers = paths, trained, info, loggers
        self._steps = steps_per_epoch
        self._saved = time.monotonic()

    @property
    def seconds_since_saved(self) -> float:
        """Since there is a checkpoint of what was trained, or since the start."""
        return time.monotonic() - self._saved

    def epoch(self, report: EpochReport) -> None:
        """Keep an epoch that has ended; a diverged one leaves everything as it is.

        Raises:
            DivergedError: a weight is not a finite number; everything is left as it is too.
            EffsearchError: the disk is full; the earlier checkpoints stay.
        """
        if report.diverged:
            return
        state = self._trained.state()  # refused before anything is written
        # The row first: a checkpoint whose row is missing could not be told from a lost one.
        row = metrics_row(report, self._steps)
        append_row(self._paths.metrics, row)
        self._info = replace(self._info, metrics=_metrics(report))
        if _better(report, self.best):
            self.best = Best(report.epoch, report.accuracy if report.validated else None)
            save_model(self._paths.best, self._trained.model_weights(), self._info)
        self._save(state)
        del row["epoch"]
        logged = {name: value for name, value in row.items() if value is not None}
        for logger in self._loggers:
            logger.log(logged, report.epoch)

    def save(self) -> None:
        """Write the last checkpoint.

        Raises:
            DivergedError: a weight is not a finite number; the earlier checkpoint stays.
            EffsearchError: the disk is full; the earlier checkpoint stays.
        """
        self._save(self._trained.state())

    def _save(self, state: Mapping[str, Tensor]) -> None:
        header = self._info.to_header() | {
            "progress": self._trained.progress(),
            "best": None if self.best is None else asdict(self.best),
        }
        save_checkpoint(self._paths.last, state, header)
        self._saved = time.monotonic()


def read_best(header: Mapping[str, Any]) -> Best | None:
    """The best epoch that a checkpoint's header knows of."""
    stored = header.get("best")
    return Best(**stored) if isinstance(stored, Mapping) else None


def metrics_row(report: EpochReport, steps_per_epoch: int) -> dict[str, Any]:
    """A row of `metrics.csv`; what was not measured is None."""
    values = {
        "epoch": report.epoch,
        "step": report.epoch * steps_per_epoch,
        "learning_rate": report.learning_rate,
        "resolution_px": report.resolution,
        "train_loss": report.train_loss,
        "validation_loss": report.validation_loss,
        "top1": report.accuracy,
        "top5": report.top5,
        "seconds": round(report.seconds, 3),
        "images_per_second": round(report.images_per_second, 1),
    }
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _metrics(report: EpochReport) -> dict[str, Any]:
    """What a model file says of its accuracy."""
    named = {"top1": report.accuracy, "top5": report.top5, "loss": report.validation_loss}
    measured = {name: value for name, value in named.items() if math.isfinite(value)}
    return {"epoch": report.epoch, **measured}


def _better(report: EpochReport, best: Best | None) -> bool:
    """Whether an epoch's model is kept; of equal ones the first, of unmeasured ones the last."""
    if best is None or best.accuracy is None or not report.validated:
        return True
    return report.accuracy > best.accuracy

"""Where else the metrics of a training go: TensorBoard, Weights & Biases, MLflow.

Each is imported only where it is asked for. `metrics.csv` is written in any case.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from effsearch.search_spaces.errors import MissingResourceError, unknown_name

PROJECT = "effsearch"


class Logger(Protocol):
    """Takes the metrics of a training."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Record values by name at an epoch, counted from 1."""

    def close(self) -> None:
        """Write what is still held back."""


@dataclass(frozen=True, kw_only=True)
class LoggedRun:
    """What a logger is told of a run.

    Attributes:
        path: the run directory; TensorBoard writes to `tensorboard` in it.
        reference: name such as `train/001`.
        settings: configuration and recipe, flat.
        epochs_done: of a resumed run; a logger continues after them.
    """

    path: Path
    reference: str
    settings: Mapping[str, Any]
    epochs_done: int = 0


class TensorBoard:
    """Event files that `tensorboard --logdir` reads."""

    def __init__(self, run: LoggedRun) -> None:
        from effsearch.results.tensorboard import FOLDER, open_events

        # Epochs behind the last checkpoint are trained again: their old points are struck out.
        purge = run.epochs_done + 1 if run.epochs_done else None
        # Its files are named by the second, and a resumption within it must not overwrite one.
        suffix = f".{run.epochs_done}"
        self._writer = open_events(run.path / FOLDER, purge_step=purge, suffix=suffix)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """One scalar a name."""
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()


class WeightsAndBiases:
    """A run of the project `effsearch`; offline with WANDB_MODE=offline."""

    def __init__(self, run: LoggedRun) -> None:
        import wandb

        self._run = wandb.init(
            project=PROJECT,
            name=run.reference,
            id=_stable_id(run),
            resume="allow",
            dir=str(run.path),
            config=dict(run.settings),
        )

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """One point a name."""
        self._run.log(dict(metrics), step=step)

    def close(self) -> None:
        """End the run."""
        self._run.finish()


class MLflow:
    """A run of the experiment `effsearch`, where MLFLOW_TRACKING_URI says."""

    def __init__(self, run: LoggedRun) -> None:
        import mlflow

        self._mlflow = mlflow
        mlflow.set_experiment(PROJECT)
        tag = _stable_id(run)
        begun = mlflow.search_runs(
            filter_string=f"tags.effsearch_run = '{tag}'", output_format="list"
        )
        if begun:
            mlflow.start_run(run_id=begun[0].info.run_id)
            return
        mlflow.start_run(run_name=run.reference, tags={"effsearch_run": tag})
        mlflow.log_params(dict(run.settings))

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """One point a name."""
        self._mlflow.log_metrics(dict(metrics), step=step)

    def close(self) -> None:
        """End the run."""
        self._mlflow.end_run()


@dataclass(frozen=True)
class _Kind:
    package: str
    make: Callable[[LoggedRun], Logger]


_KINDS = {
    "tensorboard": _Kind("tensorboardX", TensorBoard),
    "wandb": _Kind("wandb", WeightsAndBiases),
    "mlflow": _Kind("mlflow", MLflow),
}


def check_loggers(names: Sequence[str]) -> None:
    """Whether all can be used, without importing them.

    Raises:
        InputError: an unknown name.
        MissingResourceError: its package is not installed.
    """
    for name in names:
        if name not in _KINDS:
            raise unknown_name("logger", name, _KINDS)
        package = _KINDS[name].package
        if find_spec(package) is None:
            raise MissingResourceError(
                f"logger '{name}' needs the package {package}: pip install {package}, or leave "
                "--logger out (metrics.csv is written anyway)"
            )


@contextmanager
def open_loggers(names: Sequence[str], run: LoggedRun) -> Iterator[list[Logger]]:
    """The loggers of a run, closed when the block ends.

    Raises:
        InputError, MissingResourceError: as `check_loggers`.
    """
    check_loggers(names)
    with ExitStack() as closing:
        loggers = [_KINDS[name].make(run) for name in names]
        for logger in loggers:
            closing.callback(logger.close)
        yield loggers


def _stable_id(run: LoggedRun) -> str:
    """One name for all sessions of a run, and another for a run of the same number elsewhere."""
    return hashlib.sha256(str(run.path.resolve()).encode()).hexdigest()[:12]

"""Where else the metrics of a run go: TensorBoard, Weights & Biases, MLflow, a CSV file.

Each is imported only where it is asked for. What a run writes itself is written in any case; a
logger that fails, as when its server is away, is told of once and left out from then on.
"""

import csv
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from effsearch.search_spaces.errors import MissingResourceError, unknown_name

PROJECT = "effsearch"
LOG_FILE, CURVES_FILE = "log.csv", "curves.csv"


class Logger(Protocol):
    """Takes what a run measures."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Record values by name at an epoch or after a trial, counted from 1."""

    def curve(self, name: str, values: Sequence[float]) -> None:
        """Record the accuracies after each epoch of one of many trainings."""

    def picture(self, name: str, path: Path) -> None:
        """Record a PNG file."""

    def answer(self, document: Mapping[str, Any]) -> None:
        """Record what the run found."""

    def close(self) -> None:
        """Write what is still held back."""


@dataclass(frozen=True, kw_only=True)
class LoggedRun:
    """What a logger is told of a run.

    Attributes:
        path: the run directory; TensorBoard writes to `tensorboard` in it.
        reference: name such as `train/001`.
        settings: configuration and recipe, flat.
        epochs_done: of a resumed run, epochs or trials; a logger continues after them.
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

    def curve(self, name: str, values: Sequence[float]) -> None:
        """Scalars of a name of their own."""
        for epoch, value in enumerate(values, start=1):
            self._writer.add_scalar(f"curves/{name}", value, epoch)

    def picture(self, name: str, path: Path) -> None:
        """An image."""
        import numpy as np
        from PIL import Image

        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        self._writer.add_image(f"pictures/{name}", pixels, dataformats="HWC")

    def answer(self, document: Mapping[str, Any]) -> None:
        """A text."""
        text = json.dumps(document, indent=2)
        self._writer.add_text("answer", "    " + text.replace("\n", "\n    "))

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()


class WeightsAndBiases:
    """A run of the project `effsearch`; offline with WANDB_MODE=offline."""

    def __init__(self, run: LoggedRun) -> None:
        import wandb

        self._wandb = wandb
        self._rows: list[list[Any]] = []
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

    def curve(self, name: str, values: Sequence[float]) -> None:
        """Rows of a table, written at the end: its steps cannot go back to the first epoch."""
        self._rows += [[name, epoch, value] for epoch, value in enumerate(values, start=1)]

    def picture(self, name: str, path: Path) -> None:
        """An image."""
        self._run.log({f"pictures/{name}": self._wandb.Image(str(path))})

    def answer(self, document: Mapping[str, Any]) -> None:
        """The run's summary."""
        self._run.summary.update({"answer": json.loads(json.dumps(document))})

    def close(self) -> None:
        """End the run."""
        if self._rows:
            table = self._wandb.Table(columns=["training", "epoch", "accuracy"], data=self._rows)
            self._run.log({"curves": table})
        self._run.finish()


class MLflow:
    """A run of the experiment `effsearch`, where MLFLOW_TRACKING_URI says."""

    def __init__(self, run: LoggedRun) -> None:
        # Its own patience with a server that is away is many minutes, and a search would wait.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
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

    def curve(self, name: str, values: Sequence[float]) -> None:
        """A metric of its own, by epoch."""
        for epoch, value in enumerate(values, start=1):
            self._mlflow.log_metric(f"curves/{name}", value, step=epoch)

    def picture(self, name: str, path: Path) -> None:
        """A file of the run."""
        self._mlflow.log_artifact(str(path), artifact_path="pictures")

    def answer(self, document: Mapping[str, Any]) -> None:
        """A file of the run."""
        self._mlflow.log_dict(json.loads(json.dumps(document)), "answer.json")

    def close(self) -> None:
        """End the run."""
        self._mlflow.end_run()


class CsvFile:
    """`log.csv` in the run directory, a row a step; `curves.csv` beside it, a row an epoch."""

    def __init__(self, run: LoggedRun) -> None:
        self._folder = run.path

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """A row of step, name and value each: names may differ from step to step."""
        self._write(LOG_FILE, "step", [[step, name, value] for name, value in metrics.items()])

    def curve(self, name: str, values: Sequence[float]) -> None:
        """A row an epoch."""
        rows = [[epoch, name, value] for epoch, value in enumerate(values, start=1)]
        self._write(CURVES_FILE, "epoch", rows)

    def picture(self, name: str, path: Path) -> None:
        """Nothing: it lies in the run already."""

    def answer(self, document: Mapping[str, Any]) -> None:
        """Nothing: it lies in the run already."""

    def close(self) -> None:
        """Nothing is held back."""

    def _write(self, name: str, first: str, rows: Sequence[Sequence[Any]]) -> None:
        path = self._folder / name
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow([first, "name", "value"])
            writer.writerows(rows)


class Careful:
    """A logger that may fail: then that is said once, and it is left out from then on.

    Args:
        name: of the logger, for the message.
        make: opens it.
    """

    def __init__(self, name: str, make: Callable[[], Logger]) -> None:
        self._name = name
        self._logger: Logger | None = None
        self._logger = self._tried(make)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """As the logger's."""
        self._call("log", metrics, step)

    def curve(self, name: str, values: Sequence[float]) -> None:
        """As the logger's."""
        self._call("curve", name, values)

    def picture(self, name: str, path: Path) -> None:
        """As the logger's."""
        self._call("picture", name, path)

    def answer(self, document: Mapping[str, Any]) -> None:
        """As the logger's."""
        self._call("answer", document)

    def close(self) -> None:
        """As the logger's."""
        self._call("close")

    def _call(self, method: str, *values: Any) -> None:
        if self._logger is not None:
            self._tried(lambda: getattr(self._logger, method)(*values))

    def _tried(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (MissingResourceError, KeyboardInterrupt):
            raise
        except Exception as error:  # servers, disks and other people's packages
            self._logger = None
            text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            print(
                f"logger '{self._name}' failed ({text}): the run continues without it",
                file=sys.stderr,
                flush=True,
            )
            return None


@dataclass(frozen=True)
class _Kind:
    package: str
    make: Callable[[LoggedRun], Logger]


_KINDS = {
    "tensorboard": _Kind("tensorboardX", TensorBoard),
    "wandb": _Kind("wandb", WeightsAndBiases),
    "mlflow": _Kind("mlflow", MLflow),
    "csv": _Kind("csv", CsvFile),
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
                "--logger out (what is measured is written to the run anyway)"
            )


@contextmanager
def open_loggers(names: Sequence[str], run: LoggedRun) -> Iterator[list[Logger]]:
    """The loggers of a run, closed when the block ends.

    Raises:
        InputError, MissingResourceError: as `check_loggers`.
    """
    check_loggers(names)
    with ExitStack() as closing:
        loggers: list[Logger] = []
        for name in names:
            loggers.append(Careful(name, partial(_KINDS[name].make, run)))
            closing.callback(loggers[-1].close)
        yield loggers


def _stable_id(run: LoggedRun) -> str:
    """One name for all sessions of a run, and another for a run of the same number elsewhere."""
    return hashlib.sha256(str(run.path.resolve()).encode()).hexdigest()[:12]

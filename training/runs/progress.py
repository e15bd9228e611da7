"""Progress of one training on stderr: a live bar on a terminal, a line an epoch elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from effsearch.results.terminal import live_bar
from effsearch.training.loop.reports import EpochReport, StepReport

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SECONDS_BETWEEN_LINES = 60.0


class Display(Protocol):
    """Shows how far a training is."""

    def step(self, report: StepReport) -> None:
        """After a step, or a few times a second."""

    def epoch(self, report: EpochReport, best: float | None) -> None:
        """After an epoch; `best` is the best validation accuracy so far, where there is one."""


@contextmanager
def shown_progress(epochs: int, done: int, quiet: bool) -> Iterator[Display]:
    """The display that suits the terminal, while the block runs.

    Args:
        epochs: of the whole training; `done` of them are behind it already.
    """
    if quiet:
        yield _Nothing()
    elif sys.stderr.isatty():
        with _bar() as bar:
            yield _Bar(bar, epochs, done)
    else:
        yield _Lines()


def epoch_line(report: EpochReport, best: float | None) -> str:
    """An epoch in one line."""
    parts = [f"epoch {report.epoch}/{report.epochs}", f"loss {report.train_loss:.4f}"]
    if report.validated:
        parts += [f"validation {report.validation_loss:.4f}", f"top1 {report.accuracy:.4f}"]
    if best is not None:
        parts.append(f"best {best:.4f}")
    parts += [
        f"lr {report.learning_rate:.3g}",
        f"{report.images_per_second:,.0f} images/s",
        f"{report.seconds:.1f} s",
    ]
    return "  ".join(parts)


class _Nothing:
    def step(self, report: StepReport) -> None:
        pass

    def epoch(self, report: EpochReport, best: float | None) -> None:
        pass


class _Lines:
    """For logs: a line an epoch, and one a minute where epochs are long."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def step(self, report: StepReport) -> None:
        if time.monotonic() - self._said < SECONDS_BETWEEN_LINES:
            return
        left = report.seconds / max(1, report.step) * (report.steps - report.step)
        self._say(
            f"epoch {report.epoch}/{report.epochs}  step {report.step}/{report.steps}  "
            f"loss {report.loss:.4f}  lr {report.learning_rate:.3g}  "
            f"{report.images / max(report.seconds, 1e-9):,.0f} images/s  "
            f"about {left:.0f} s left in this epoch"
        )

    def epoch(self, report: EpochReport, best: float | None) -> None:
        self._say(epoch_line(report, best))

    def _say(self, line: str) -> None:
        self._said = time.monotonic()
        print(line, file=sys.stderr, flush=True)


class _Bar:
    """For terminals: one bar over the whole training, and a line that stays for every epoch."""

    def __init__(self, bar: "Progress", epochs: int, done: int) -> None:
        self._bar = bar
        self._best = ""
        self._task: TaskID = bar.add_task(
            "", total=float(epochs), completed=done, epoch=f"{done}/{epochs}", now=""
        )

    def step(self, report: StepReport) -> None:
        speed = report.images / max(report.seconds, 1e-9)
        self._bar.update(
            self._task,
            completed=report.epoch - 1 + report.step / max(1, report.steps),
            epoch=f"{report.epoch}/{report.epochs}",
            now=f"{speed:,.0f} img/s loss {report.loss:.3f} "
            f"lr {report.learning_rate:.2g}{self._best}",
        )

    def epoch(self, report: EpochReport, best: float | None) -> None:
        self._best = "" if best is None else f" best {best:.4f}"
        self._bar.update(self._task, completed=float(report.epoch))
        self._bar.console.print(epoch_line(report, best), highlight=False)


@contextmanager
def _bar() -> "Iterator[Progress]":
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    with live_bar(
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(bar_width=8),  # all of it fits 80 columns
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[now]}"),
    ) as bar:
        yield bar

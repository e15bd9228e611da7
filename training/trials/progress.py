"""Progress of trials on stderr: a live bar on a terminal, a line every tenth elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from effsearch.results.terminal import live_bar


class Followed(Protocol):
    """What a progress display needs of a queue.

    Attributes:
        listeners: called after every trial that ended.
    """

    listeners: list[Callable[[], None]]

    @property
    def samples(self) -> int:
        """Trials in total."""

    @property
    def done(self) -> int:
        """Trials that ended."""

    @property
    def best_line(self) -> str:
        """Best so far, in a few words."""


@contextmanager
def progress(queue: Followed, title: str, quiet: bool) -> Iterator[None]:
    """Follow a queue while the block runs."""
    if quiet:
        yield
    elif sys.stderr.isatty():
        with _bar(queue, title):
            yield
    else:
        queue.listeners.append(_Lines(queue, title))
        yield


@contextmanager
def _bar(queue: Followed, title: str) -> Iterator[None]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with live_bar(
        SpinnerColumn(),
        TextColumn(title),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[best]}"),
    ) as bar:
        task = bar.add_task(title, total=queue.samples, completed=queue.done, best=queue.best_line)
        queue.listeners.append(lambda: bar.update(task, completed=queue.done, best=queue.best_line))
        yield


class _Lines:
    """For logs: a line at every tenth."""

    def __init__(self, queue: Followed, title: str) -> None:
        self._queue, self._title = queue, title
        self._start, self._first = time.monotonic(), queue.done
        self._shown = self._tenth

    def __call__(self) -> None:
        if self._tenth == self._shown:
            return
        self._shown = self._tenth
        queue, seconds = self._queue, time.monotonic() - self._start
        left = seconds / max(1, queue.done - self._first) * (queue.samples - queue.done)
        print(
            f"{self._title} {queue.done}/{queue.samples} after {seconds:.0f} s, "
            f"about {left:.0f} s left  {queue.best_line}",
            file=sys.stderr,
            flush=True,
        )

    @property
    def _tenth(self) -> int:
        return self._queue.done * 10 // max(1, self._queue.samples)

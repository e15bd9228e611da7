"""Progress of a search on stderr: a live bar on a terminal, a line every tenth elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nas.outcome import Outcome
from nas.problem import Candidate
from nas.search import Search
from search_spaces.amounts import format_count


@contextmanager
def progress(search: Search, quiet: bool) -> Iterator[None]:
    """Follow a search while the block runs."""
    if quiet:
        yield
    elif sys.stderr.isatty():
        with _bar(search):
            yield
    else:
        search.listeners.append(_Lines(search).on_outcome)
        yield


@contextmanager
def _bar(search: Search) -> Iterator[None]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        SpinnerColumn(),
        TextColumn("search"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        # The median trial moves slowly: a short window makes the estimate jump.
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[best]}"),
        console=Console(stderr=True),
        speed_estimate_period=600,
    )
    with bar:
        task = bar.add_task(
            "search", total=search.samples, completed=search.done, best=_best(search)
        )
        search.listeners.append(
            lambda *_: bar.update(task, completed=search.done, best=_best(search))
        )
        yield


class _Lines:
    """For logs: a line at every tenth of the search."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._start, self._first = time.monotonic(), search.done
        self._shown = search.done * 10 // search.samples

    def on_outcome(self, candidate: Candidate, outcome: Outcome, reward: float | None) -> None:
        search = self._search
        tenth = search.done * 10 // search.samples
        if tenth == self._shown:
            return
        self._shown = tenth
        seconds = time.monotonic() - self._start
        left = seconds / max(1, search.done - self._first) * (search.samples - search.done)
        print(
            f"{search.done}/{search.samples} after {seconds:.0f} s, about {left:.0f} s left"
            f"  {_best(search)}",
            file=sys.stderr,
            flush=True,
        )


def _best(search: Search) -> str:
    failed = f", {search.failed} failed" if search.failed else ""
    if search.best is None:
        return f"nothing yet{failed}"
    reward, accuracy, candidate = search.best
    macs = format_count(candidate.costs["macs"])
    return f"best {reward:.4f} (accuracy {accuracy:.4f}, {macs} MACs){failed}"

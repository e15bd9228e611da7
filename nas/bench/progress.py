"""Progress of a benchmark on stderr: a live bar on a terminal, a line a search elsewhere."""

import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from effsearch.nas.bench.runner import Trace
from effsearch.results.terminal import live_bar


@contextmanager
def progress(total: int, ended: int, quiet: bool) -> Iterator[Callable[[Trace], None]]:
    """Yield what is to be called with each search as it ends.

    Args:
        total: searches of the benchmark.
        ended: how many of them had ended before.
        quiet: show nothing.
    """
    if quiet:
        yield lambda trace: None
    elif sys.stderr.isatty():
        with _bar(total, ended) as advance:
            yield advance
    else:
        count = itertools.count(ended + 1)
        yield lambda trace: print(
            f"{next(count)}/{total} {trace.strategy} seed {trace.seed}: "
            f"{trace.rewards[-1]:.4f} after {trace.evaluated} evaluations, {trace.seconds:.1f} s",
            file=sys.stderr,
            flush=True,
        )


@contextmanager
def _bar(total: int, ended: int) -> Iterator[Callable[[Trace], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

    columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with live_bar("searches", *columns) as bar:
        task = bar.add_task("searches", total=total, completed=ended)
        yield lambda trace: bar.advance(task)

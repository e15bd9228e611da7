"""A run followed in the terminal: its kind says what there is to see.

Only reads; a run is read again when it has grown.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from effsearch.results.formatting import one_line
from effsearch.results.kinds.kind import Following
from effsearch.results.kinds.registry import kind_of
from effsearch.results.plain_text import terminal
from effsearch.results.store.run import Run


def look(run: Run) -> dict[str, Any]:
    """How a run stands now, as plain data; see its kind's `look`."""
    status = Run.load(run.path).status
    return {"run": run.reference, "status": status, **kind_of(run.kind).following.look(run)}


def watch_run(
    run: Run, *, interval: float, once: bool, on_change: Callable[[], object] = lambda: None
) -> None:
    """Print a look whenever something changed, until the run is no longer running.

    On a terminal the picture is redrawn in place; elsewhere each change is one line. `on_change`
    is called before each look.
    """
    if once:
        on_change()
        print(picture(look(run)))
        return
    changes = _changes(run, interval, on_change)
    if not sys.stdout.isatty():
        for document in changes:
            print(status_line(document), flush=True)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(file=terminal(sys.stdout), markup=False, highlight=False)
    with Live(console=console, auto_refresh=False) as live:
        for document in changes:
            live.update(Text(picture(document)), refresh=True)


def _changes(
    run: Run, interval: float, on_change: Callable[[], object]
) -> Iterator[dict[str, Any]]:
    """Looks at the run: the first, each one after something was recorded, and the last."""
    size, status = -1, ""
    growing = run.path / kind_of(run.kind).following.grows
    while True:
        now = growing.stat().st_size if growing.exists() else 0
        alive = Run.load(run.path).status
        if now != size or alive != status:
            size, status = now, alive
            on_change()
            yield look(run)
        if status != "running":
            return
        time.sleep(interval)


def status_line(document: Mapping[str, Any]) -> str:
    """A look in one line."""
    parts = [f"{document['run']} {document['status']}", *_following(document).line(document)]
    return one_line("; ".join(parts))


def picture(document: Mapping[str, Any]) -> str:
    """A look as a block of text: the line above, then what its kind shows."""
    return "\n".join([status_line(document), *_following(document).picture(document)])


def _following(document: Mapping[str, Any]) -> Following:
    return kind_of(document["run"].partition("/")[0]).following

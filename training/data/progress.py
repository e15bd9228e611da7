"""How far a long look at data is, told to whom a command names: reading starts before any run."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Seconds between two lines, and until the first.
_BETWEEN = 10.0

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("data_progress", default=None)


@contextmanager
def data_progress(tell: Callable[[str], None]) -> Iterator[None]:
    """Inside the block, reading that takes long tells so, a line every ten seconds."""
    token = _LISTENER.set(tell)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def progress_line(what: str) -> Callable[[int, int], None] | None:
    """Takes how many are done and of how many; None where nobody listens.

    Args:
        what: is done, such as `images decoded`.
    """
    tell = _LISTENER.get()
    if tell is None:
        return None
    told = time.monotonic()

    def report(done: int, count: int) -> None:
        nonlocal told
        now = time.monotonic()
        if done > 0 and now - told >= _BETWEEN:
            told = now
            tell(f"{done:,} of {count:,} {what}")

    return report

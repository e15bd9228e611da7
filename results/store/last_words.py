"""What a process says and writes before it is ended from a thread, past all that waits in it."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_words: list[Callable[[str], None]] = []


@contextmanager
def last_words(say: Callable[[str], None]) -> Iterator[None]:
    """Within the block `say` is called with the reason where the process ends itself."""
    _words.append(say)
    try:
        yield
    finally:
        _words.remove(say)


def end_process(why: str, code: int) -> None:
    """Say the last words of the innermost block and end the process, whatever it is doing."""
    with suppress(Exception):
        if _words:
            _words[-1](why)
        else:
            print(f"effsearch: {why}", file=sys.stderr)
        sys.stderr.flush()
    os._exit(code)

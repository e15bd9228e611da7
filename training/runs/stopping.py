"""Ctrl-C and SIGTERM as a wish that is granted after the step in progress, not in its middle."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_wish() -> Iterator[Callable[[], bool]]:
    """Yields what tells whether a stop is wished. A second signal ends the process at once.

    In a thread other than the main one signals stay as they are: they are not its to handle.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    wished = False
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def wish(number: int, frame: FrameType | None) -> None:
        nonlocal wished
        wished = True
        restore()

    for number in SIGNALS:
        signal.signal(number, wish)
    try:
        yield lambda: wished
    finally:
        restore()

"""Signals that ask to stop: Ctrl-C, and what batch systems, containers and lost terminals send.

All of them are obeyed alike: what is finished is written, and the exit code is 128 and the signal's
number. A second one ends the process at once, also while Ray is being shut down.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_received: int | None = None


def exit_code() -> int:
    """The exit code of a process that was asked to stop: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + (_received or signal.SIGINT)


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Within the block each of `STOP_SIGNALS` raises a KeyboardInterrupt, a second one kills."""
    global _received
    _received = None  # what an earlier command of this process was asked is over

    def stop(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        raise KeyboardInterrupt

    with handled(stop) as before:
        yield


@contextmanager
def wished_stop() -> Iterator[Callable[[], bool]]:
    """Yields what tells whether a stop is wished: to be granted after a step, not in its middle.

    A second signal is handled as if there were no such wish.
    """
    wished = False

    def wish(number: int, frame: FrameType | None) -> None:
        nonlocal wished
        wished = True
        for each, handler in before.items():
            signal.signal(each, handler)

    with handled(wish) as before:
        yield lambda: wished


@contextmanager
def held_back() -> Iterator[None]:
    """Within the block stop signals wait; the first of them is handled after it.

    One whose default it is to kill is left to do so: after a first signal it is the second.
    """
    held: list[int] = []
    left_alone = (signal.SIG_IGN, signal.SIG_DFL)
    with handled(lambda number, frame: held.append(number), left_alone):
        yield
    if held:
        signal.raise_signal(held[0])


@contextmanager
def handled(
    handle: Callable[[int, FrameType | None], Any],
    left_alone: Sequence[Any] = (signal.SIG_IGN,),
) -> Iterator[dict[int, Any]]:
    """Handle stop signals within the block, and as before after it.

    Those that the process was started deaf to (`nohup`, a shell's background job) stay so. In
    a thread other than the main one all stay as they are: they are not its to handle.

    Args:
        handle: what is done on each.
        left_alone: signals that are handled so now stay as they are.

    Yields:
        the handlers there were before, by the signals that are handled.
    """
    before: dict[int, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:
        global _received
        _received = number
        handle(number, frame)

    if threading.current_thread() is threading.main_thread():
        before.update(
            (number, handler)
            for number in STOP_SIGNALS
            if (handler := signal.getsignal(number)) not in left_alone
        )
    for number in before:
        signal.signal(number, note)
    try:
        yield before
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def deaf_children(*numbers: signal.Signals) -> Iterator[None]:
    """Processes started in the block never hear these signals; this one hears them after it.

    Signals of a terminal or a batch job reach its children too, whose end is the parent's to
    decide. What was sent meanwhile meets the handlers there were before the block, also where it
    loaded something that takes signals for itself, as Ray does with SIGTERM.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    handlers = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                if handler is not None:  # one that was not set by Python
                    signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_to_parent() -> None:
    """Ignore stop signals, which reach all processes of a terminal or a job: the parent ends us."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)

"""A Ray that is lost under way: noticed in seconds, and said in one line.

Ray itself waits a minute for its head process, and then ends the program without a word.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import ray

from effsearch.results.store.last_words import end_process
from effsearch.search_spaces.errors import ClusterLostError
from effsearch.training.trials.own_ray import end_processes

EVERY_SECONDS = 1.0
_PATIENCE = 3
"""Knocks in a row that may stay unanswered."""

_KNOCK_SECONDS = 5.0
_WAKES = 10
"""Signals to the main thread, one every `EVERY_SECONDS`, before the process is ended."""

_SIGNAL = signal.SIGUSR2  # no one else's: a stop signal would be taken for the user's wish


@contextmanager
def watched(owned: bool) -> Iterator[None]:
    """Raise a ClusterLostError in the block when the head of the Ray that runs is gone.

    In a thread other than the main one an error of Ray's is explained, but a block that waits is
    not woken up.

    Args:
        owned: it is one of this machine whose processes are ours.

    Raises:
        ClusterLostError: the cluster does not answer any more.
    """
    why = _look(ray.get_runtime_context().gcs_address, owned)
    done = threading.Event()
    try:
        with _woken(done, why) as was_woken:
            yield
    except KeyboardInterrupt:
        if not was_woken():
            raise
        raise ClusterLostError(_said(why())) from None
    except Exception as error:
        # Ray may have noticed first, in an error of its own.
        if isinstance(error, ClusterLostError) or not _certainly(why, done):
            raise
        raise ClusterLostError(_said(why())) from error


def _said(what: str) -> str:
    return f"Ray was lost: {what or 'it does not answer'}"


@contextmanager
def _woken(done: threading.Event, why: Callable[[], str]) -> Iterator[Callable[[], bool]]:
    """Interrupt the block, if this is the main thread, once there is a reason; yields whether.

    By a KeyboardInterrupt, which is all that Ray's waiting lets through.
    """
    woken = False
    if threading.current_thread() is not threading.main_thread():
        yield lambda: woken
        return

    def wake(number: int, frame: FrameType | None) -> None:
        nonlocal woken
        if not done.is_set():
            woken = True
            raise KeyboardInterrupt

    before = signal.signal(_SIGNAL, wake)
    thread = threading.Thread(target=_watch, args=(done, why), name="ray-watch", daemon=True)
    thread.start()
    try:
        yield lambda: woken
    finally:
        done.set()
        thread.join()
        signal.signal(_SIGNAL, before)


def _watch(done: threading.Event, why: Callable[[], str]) -> None:
    missed = 0
    while not done.wait(EVERY_SECONDS):
        missed = missed + 1 if why() else 0
        if missed >= _PATIENCE or (missed and dead_process()):
            break
    for _ in range(_WAKES):  # again and again: what Ray does at that moment may swallow one
        if done.is_set():
            return
        os.kill(os.getpid(), _SIGNAL)
        done.wait(EVERY_SECONDS)
    if not done.is_set():  # it waits for a reply where no signal is looked at
        end_processes()
        end_process(_said(why()), ClusterLostError.exit_code)


def _certainly(why: Callable[[], str], done: threading.Event) -> bool:
    """Whether there is a reason each time it is asked for."""
    for _ in range(_PATIENCE):
        if not why():
            return False
        threading.Event().wait(EVERY_SECONDS)
    return True


def _look(address: str, owned: bool) -> Callable[[], str]:
    """What tells why a cluster is lost; empty while it is not."""

    reachable = not _silence(address)  # a client of a distant cluster is not told where it is

    def why() -> str:
        if owned and (name := dead_process()):
            return f"its process {name} was killed"
        return _silence(address) if reachable else ""

    return why


def dead_process() -> str:
    """The name of a process of our own Ray that has ended."""
    node = getattr(ray._private.worker, "_global_node", None)
    if node is None:
        return ""
    return next((str(name) for name, _ in node.dead_processes() if name in _NEEDED), "")


_NEEDED = ("gcs_server", "raylet")


def _silence(address: str) -> str:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK_SECONDS).close()
    except OSError as problem:
        return f"{address} does not answer ({problem.strerror or problem})"
    except ValueError:
        return ""
    return ""

"""The lock of a run directory: one process writes, and its death frees the lock.

An flock on `<run>/lock`; the kernel releases it, so a killed run never stays locked.
"""

import fcntl
import os
import time
from pathlib import Path

from effsearch.results.store.files import cannot_write
from effsearch.search_spaces.errors import InputError

# A reader that asks whether a run is alive holds a shared lock for an instant.
_PATIENCE_SECONDS = 0.5


def take_lock(directory: Path) -> int:
    """Lock a run directory for writing; returns the descriptor for `release_lock`.

    Raises:
        InputError: another process (named by its id) holds the lock.
        EffsearchError: the lock file cannot be written or locked there.
    """
    path = directory / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as problem:
        raise cannot_write(path, problem) from problem
    try:
        _lock(descriptor, directory)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError as problem:
        os.close(descriptor)
        raise cannot_write(path, problem) from problem
    except InputError:
        os.close(descriptor)
        raise
    return descriptor


def _lock(descriptor: int, directory: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                raise InputError(
                    f"run {directory} is in use by another process (pid {holder or 'unknown'}): "
                    "wait for it, stop it, or choose another --name"
                ) from None
        time.sleep(0.02)


def release_lock(descriptor: int) -> None:
    """Free a lock taken by `take_lock`."""
    os.close(descriptor)


def is_locked(directory: Path) -> bool:
    """Whether a living process holds the lock of a run directory. Changes nothing."""
    try:
        descriptor = os.open(directory / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False

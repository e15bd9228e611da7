"""Folders for the time of a process; what a killed one left is swept by the next.

A folder is its process's while that holds a lock in it, which the kernel frees at its end.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from effsearch.results.store.files import cannot_write

PREFIX = "effsearch-"
_OWNER = ".effsearch-owner"
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")


@contextmanager
def scratch_folder(what: str) -> Iterator[Path]:
    """Yield a new folder `effsearch-WHAT-…` for temporary files, and remove it after the block.

    Raises:
        EffsearchError: there is no place for one.
    """
    place = Path(tempfile.gettempdir())
    sweep(place.glob(f"{PREFIX}{what}-*"))
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{what}-"))
        owner = claim(folder)
    except OSError as problem:
        raise cannot_write(place, problem) from problem
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(owner)


def claim(folder: Path, note: str = "") -> int:
    """Make a folder this process's; returns the descriptor that holds it.

    Args:
        note: what `read_note` tells the one that sweeps it.

    Raises:
        OSError: it cannot be written.
    """
    # Locked before it has its name: another process would take it for a dead one's.
    new = folder / f"{_OWNER}-{os.getpid()}"
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, note.encode())
        os.replace(new, folder / _OWNER)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_note(folder: Path) -> str:
    """What its process noted in a folder that it claimed; empty for nothing."""
    try:
        return (folder / _OWNER).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def sweep(
    folders: Iterable[Path], before: Callable[[Path], None] = lambda folder: None
) -> list[Path]:
    """Remove those folders that a process claimed which has ended; returns them.

    Folders that nobody has claimed, or another user has, are left alone.

    Args:
        before: called with each that is about to be removed.
    """
    swept = []
    for folder in folders:
        with suppress(OSError):
            if _is_orphaned(folder):
                before(folder)
                shutil.rmtree(folder, ignore_errors=True)
                swept.append(folder)
    return swept


def _is_orphaned(folder: Path) -> bool:
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        return False
    descriptor = os.open(folder / _OWNER, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False  # it lives
    finally:
        os.close(descriptor)
    return True


def sweep_unfinished(directory: Path) -> list[Path]:
    """Remove files of a run that a killed process had begun to write; returns them.

    Only where the run is locked: a living writer's would be taken from it.
    """
    begun = [path for path in directory.rglob(".*.tmp") if _TEMPORARY.fullmatch(path.name)]
    for path in begun:
        with suppress(OSError):
            path.unlink()
    return begun

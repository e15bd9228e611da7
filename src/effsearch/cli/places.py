"""What of this machine is in the way of a search or a training: a line each, with its cure."""

import locale
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from effsearch.search_spaces.errors import MissingResourceError

SHARED_MEMORY = 256 << 20
"""Bytes that Ray's object store wants; below, it falls back to files in its folder."""

FREE = 1 << 30
"""Bytes that checkpoints and logs want."""

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: in a word or two.
        state: `problem` where commands fail for it, `note` where it is worth knowing.
        said: what was found and, unless all is well, what to do about it.
    """

    what: str
    state: State
    said: str


def look_at_places(environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """Everything that is looked at, in the order it is told."""
    return [finding for look in _LOOKS for finding in look(environment)]


def _user(environment: Mapping[str, str]) -> Iterator[Finding]:
    name = "root" if os.getuid() == 0 else f"number {os.getuid()}"
    yield Finding("user", "ok", name)


def _working_folder(environment: Mapping[str, str]) -> Iterator[Finding]:
    try:
        here = Path.cwd()
    except OSError:
        yield Finding("working folder", "problem", "it was removed: change to one that exists")
        return
    if not writable(here):
        said = f"{here} cannot be written: give --run-dir FOLDER, or change to another"
        yield Finding("working folder", "problem", said)
        return
    yield _space("working folder", here)
    if odd := _odd(here):
        yield Finding("path", "ok", f"{here} holds {odd}, which is fine")


def _odd(path: Path) -> str:
    found = ["blanks"] if any(sign.isspace() for sign in str(path)) else []
    found += [] if str(path).isascii() else ["other letters than ASCII"]
    return " and ".join(found)


def _space(what: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    said = f"{folder}, {free / 2**30:.1f} GiB free"
    if free < FREE:
        return Finding(what, "note", f"{said}: make room, a full disk stops a run (it can go on)")
    return Finding(what, "ok", said)


def _home(environment: Mapping[str, str]) -> Iterator[Finding]:
    home = environment.get("HOME", "")
    if not home or not writable(Path(home)):
        said = f"{home or 'HOME'} cannot be written; effsearch needs nothing there"
        yield Finding("home", "note", f"{said}, caches of other packages may: set HOME")
        return
    yield Finding("home", "ok", home)


def _temporary(environment: Mapping[str, str]) -> Iterator[Finding]:

    wanted = environment.get("TMPDIR")
    try:
        used = Path(tempfile.gettempdir())
    except OSError as error:
        said = f"there is none ({error.strerror}): set TMPDIR to a folder that can be written"
        yield Finding("temporary files", "problem", said)
        return
    if wanted and not os.path.isdir(wanted):
        said = f"TMPDIR={wanted} is not there: {used} is used; make it, or unset TMPDIR"
        yield Finding("temporary files", "note", said)
    elif wanted and not writable(Path(wanted)):
        said = f"TMPDIR={wanted} cannot be written: {used} is used; set it to another"
        yield Finding("temporary files", "note", said)
    else:
        yield _space("temporary files", used)
    try:
        from effsearch.training.trials.cluster import ray_folder
    except ImportError:
        return  # told of elsewhere
    try:
        folder = ray_folder()
    except MissingResourceError as error:
        yield Finding("Ray's folder", "problem", str(error))
        return
    if folder != used / "ray":
        said = f"{folder}, as {used / 'ray'} is too long for a socket or another user's"
        yield Finding("Ray's folder", "ok", said)
    else:
        yield Finding("Ray's folder", "ok", str(folder))


def _shared_memory(environment: Mapping[str, str]) -> Iterator[Finding]:
    place = Path("/dev/shm")
    if not place.is_dir():
        return
    total = shutil.disk_usage(place).total
    said = f"{total / 2**20:,.0f} MiB"
    if not writable(place):
        said = f"{place} cannot be written: Ray keeps its objects in files, more slowly"
        yield Finding("shared memory", "note", said)
    elif total < SHARED_MEMORY:
        cure = "in a container give --shm-size=1g; Ray keeps its objects in files until then"
        yield Finding("shared memory", "note", f"{said} of {place}: {cure}")
    else:
        yield Finding("shared memory", "ok", said)


def _locale(environment: Mapping[str, str]) -> Iterator[Finding]:
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") in ("utf8", "utf8mb4"):
        yield Finding("locale", "ok", encoding)
        return
    said = f"{encoding}: files are read and written in UTF-8 all the same; names that the "
    yield Finding("locale", "note", f"{said}terminal cannot show are spelled out (LC_ALL=C.UTF-8)")


def _variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    if (visible := environment.get("CUDA_VISIBLE_DEVICES")) is not None:
        hidden = visible.strip() in ("", "-1")
        said = "hides every GPU: unset it to train on one" if hidden else f"shows {visible} alone"
        yield Finding("CUDA_VISIBLE_DEVICES", "note" if hidden else "ok", said)
    if address := environment.get("RAY_ADDRESS"):
        said = f"{address} is not joined: give --ray-address {address} where it should be"
        yield Finding("RAY_ADDRESS", "note", said)
    if environment.get("RAY_AUTH_MODE", "token").lower() != "token":
        said = "whoever reaches Ray's ports can run code with your rights: unset it"
        yield Finding("RAY_AUTH_MODE", "note", said)


def writable(folder: Path) -> bool:
    """Whether a file can be made in a folder: tried, as rights alone do not tell."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


_LOOKS: tuple[Callable[[Mapping[str, str]], Iterator[Finding]], ...] = (
    _user,
    _working_folder,
    _home,
    _temporary,
    _shared_memory,
    _locale,
    _variables,
)

"""What lies in a folder of images: pictures, folders of them, and what no person put there.

Names are looked at, files are not opened. Links are followed, none twice, and none to a folder
that holds the one it lies in.
"""

import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import Image

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.units import plural

# Left by systems and by programs, beside all whose name begins with a dot.
_RUBBISH = frozenset(
    {
        "@eadir",
        "__macosx",
        "#recycle",
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
    }
)
# Formats that Pillow tells by name but does not decode by itself.
_ONLY_NAMED = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"})
_SHOWN = 3


@cache
def picture_suffixes() -> frozenset[str]:
    """Endings, in small letters, of the files that Pillow decodes."""
    Image.init()
    return frozenset(
        suffix
        for suffix, kind in Image.registered_extensions().items()
        if kind in Image.OPEN and kind not in _ONLY_NAMED
    )


def is_rubbish(name: str) -> bool:
    """Whether a file or folder is hidden, or the system's."""
    return name.startswith(".") or name.casefold() in _RUBBISH


class LeftOut:
    """Counts what was not read, and says it."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._names: dict[str, Counter[str]] = {}

    def add(self, reason: str, name: str = "", count: int = 1) -> None:
        """Count files that were left out; the name is shown as an example."""
        self._counts[reason] += count
        if name:
            self._names.setdefault(reason, Counter())[name] += count

    def lines(self, where: str) -> tuple[str, ...]:
        """One line with all counts; none where nothing was left out."""
        counts = +self._counts
        if not counts:
            return ()
        reasons = ", ".join(f"{n:,} {why}{self._examples(why)}" for why, n in counts.items())
        return (f"{plural(counts.total(), 'file')} left out of {where}: {reasons}",)

    def _examples(self, reason: str) -> str:
        names = [name for name, _ in self._names.get(reason, Counter()).most_common()]
        if not names:
            return ""
        return f" ({', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''})"


def subfolders(folder: Path) -> list[str]:
    """Names of the folders in it, in order, without hidden ones and the system's.

    Raises:
        InputError: it cannot be read.
    """
    return [e.name for e in _entries(folder) if not is_rubbish(e.name) and e.is_dir()]


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder itself, in order.

    Raises:
        InputError: it cannot be read.
    """
    return [folder / e.name for e in _entries(folder) if _is_picture(e.name) and e.is_file()]


def holds_pictures(folder: Path) -> bool:
    """Whether pictures lie in a folder itself.

    Raises:
        InputError: it cannot be read.
    """
    return bool(pictures_in(folder))


def picture_files(folder: Path, left_out: LeftOut) -> list[Path]:
    """All pictures in a folder and below it, in the order of their paths.

    Raises:
        InputError: a folder cannot be read.
    """
    real = os.path.realpath(folder)
    return list(_walk(folder, real, {real}, set(), left_out))


def _walk(
    folder: Path, real: str, folders: set[str], files: set[str], left_out: LeftOut
) -> Iterator[Path]:
    for entry in _entries(folder):
        path = folder / entry.name
        if is_rubbish(entry.name):
            left_out.add("hidden or of the system", entry.name, _count(entry))
            continue
        link = entry.is_symlink()
        target = os.path.realpath(path) if link else os.path.join(real, entry.name)
        if entry.is_dir():
            if target in folders or _holds(target, real):
                left_out.add("links followed already or leading back", entry.name)
                continue
            folders.add(target)
            yield from _walk(path, target, folders, files, left_out)
        elif link and not os.path.exists(path):
            left_out.add("links that lead nowhere", entry.name)
        elif not _is_picture(entry.name):
            left_out.add("no pictures", path.suffix.lower() or entry.name)
        elif not entry.is_file():
            left_out.add("no regular files", entry.name)
        elif target in files:
            left_out.add("links followed already or leading back", entry.name)
        else:
            files.add(target)
            yield path


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"folder {folder} cannot be read: {error.strerror}") from None


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in picture_suffixes() and not is_rubbish(name)


def _count(entry: "os.DirEntry[str]") -> int:
    if not entry.is_dir(follow_symlinks=False):
        return 1
    return sum(len(files) for _, _, files in os.walk(entry.path))


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)

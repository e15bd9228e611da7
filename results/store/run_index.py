"""How a run is found again: by its path, by `baseline/001`, or as the newest of its kind.

Looks at directories and records only, so hundreds of runs are listed in a blink.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from effsearch.results.store.record import Record, read_record
from effsearch.search_spaces.errors import InputError


def run_directories(root: Path, kind: str | None = None) -> Iterator[Path]:
    """Every folder `<root>/<kind>/<name>` that holds a `run.json`, readable or not."""
    for kind_folder in _folders(root):
        if kind is None or kind_folder.name == kind:
            yield from filter(holds_run, _folders(kind_folder))


def holds_run(folder: Path) -> bool:
    """Whether there is a `run.json`, readable or not.

    The folder may be any text of a user's: a long line of notation is no path at all.
    """
    return os.path.isfile(folder / "run.json")  # where `Path.is_file` raises an OSError


def _folders(parent: Path) -> list[Path]:
    try:
        with os.scandir(parent) as entries:
            return sorted(parent / entry.name for entry in entries if entry.is_dir())
    except OSError:
        return []


def readable_records(root: Path, kind: str | None = None) -> list[tuple[Path, Record]]:
    """Directory and record of every run that can be read, oldest first; others are skipped."""
    found: list[tuple[Path, Record]] = []
    for directory in run_directories(root, kind):
        try:
            found.append((directory, read_record(directory)))
        except InputError:
            continue
    return sorted(found, key=_age)


def _age(entry: tuple[Path, Record]) -> tuple[str, int, str]:
    directory, record = entry
    return record["created_at"], len(directory.name), directory.name


def find_finished(root: Path, reference: str | Path | None) -> Path:
    """The directory a reference names; without a name in it, the newest finished run.

    Args:
        reference: a run's path, `kind/name`, a kind alone, or `None` for any kind.

    Raises:
        InputError: there is no such run.
    """
    return _named(root, reference) or newest_run(root, reference, ("finished",))


def find_latest(root: Path, reference: str | Path | None) -> Path:
    """The same, but a kind alone or `None` means the newest run whatever its status.

    Raises:
        InputError: there is no such run.
    """
    return _named(root, reference) or newest_run(root, reference, ())


def _named(root: Path, reference: str | Path | None) -> Path | None:
    """The directory that a path or `kind/name` means; `None` where the name is left open."""
    if reference is None:
        return None
    for directory in (Path(reference), root / reference):
        if holds_run(directory):
            return directory
    if _is_kind(root, reference):
        return None
    if os.path.exists(reference):
        raise InputError(
            f"{reference} is not a run directory (no run.json): `effsearch results ls` "
            "lists the runs"
        )
    raise InputError(f"there is no run '{reference}' in {root}: {_listing_hint(root)}")


def _is_kind(root: Path, reference: str | Path) -> bool:
    name = str(reference)
    return Path(name).name == name and any(run_directories(root, name))


def newest_run(root: Path, kind: str | Path | None, statuses: Sequence[str]) -> Path:
    """The directory of the newest run of a kind, or of any, that has one of the statuses.

    No statuses means any of them.

    Raises:
        InputError: there is none.
    """
    records = readable_records(root, None if kind is None else str(kind))
    fitting = [path for path, record in records if not statuses or record["status"] in statuses]
    if fitting:
        return fitting[-1]
    wanted = " ".join(filter(None, [*statuses, str(kind or ""), "run"]))
    raise InputError(f"there is no {wanted} in {root}: {_listing_hint(root)}")


def _listing_hint(root: Path) -> str:
    place = "" if root == Path("runs") else f" --run-dir {root}"
    return f"`effsearch results ls{place}` lists the runs"

"""The directory of a run: its number or name, and where its files lie in it."""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from effsearch.results.store.files import cannot_write
from effsearch.search_spaces.errors import InputError

LEDGER_FILE = "trials.jsonl"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class RunPaths:
    """Where the files of a run lie; they need not exist."""

    directory: Path
    kind: str

    @property
    def record(self) -> Path:
        """`run.json`."""
        return self.directory / "run.json"

    @property
    def config(self) -> Path:
        """`config.yaml`, which repeats the run."""
        return self.directory / "config.yaml"

    @property
    def ledger(self) -> Path:
        """`trials.jsonl`."""
        return self.directory / LEDGER_FILE

    @property
    def csv(self) -> Path:
        """`trials.csv`."""
        return self.directory / "trials.csv"

    @property
    def answer(self) -> Path:
        """What the run found: `baseline.json`, `coefficients.json`."""
        return self.directory / f"{self.kind}.json"

    @property
    def plots(self) -> Path:
        """The folder of plots."""
        return self.directory / "plots"

    @property
    def report(self) -> Path:
        """`report.html`."""
        return self.directory / "report.html"


def make_named(folder: Path, name: str, cure: str) -> Path:
    """Make `<folder>/<name>`; two processes that try at once cannot both have it.

    Args:
        cure: what is said where the name is taken.

    Raises:
        InputError: the name is not a simple one, or is taken.
        EffsearchError: the folder cannot be written.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(
            f"'{name}' cannot name a run: use the letters a to z, digits, '.', '_' and '-', "
            "starting with a letter or a digit"
        )
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.mkdir()
    except FileExistsError as problem:
        if not path.exists():
            raise cannot_write(path, problem) from problem
        raise InputError(f"{path} exists already: {cure}") from None
    except OSError as problem:
        raise cannot_write(path, problem) from problem
    return path


def make_numbered(folder: Path) -> Path:
    """Make the next of `<folder>/001`, `002`, …; processes that try at once get different ones.

    Raises:
        EffsearchError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = _last_number(folder)
        while True:
            number += 1
            path = folder / f"{number:03d}"
            try:
                path.mkdir()
            except FileExistsError:  # another process was faster
                continue
            return path
    except OSError as problem:
        raise cannot_write(folder, problem) from problem


def _last_number(folder: Path) -> int:
    names = (entry for entry in os.listdir(folder) if entry.isascii() and entry.isdigit())
    return max((int(name) for name in names), default=0)


def run_dir_option(run: Path) -> str:
    """What a command about a run needs where it does not lie in `runs`: ` --run-dir PATH`."""
    root = run.parent.parent
    return "" if root == Path("runs") else f" --run-dir {shlex.quote(str(root))}"

"""The table that runs of a kind write: triples, methods, members, epochs, standings.

`trials.csv` of a coefficients run, `comparison.csv`, `family.csv`, `metrics.csv` of a training,
`bench.csv`.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effsearch.search_spaces.errors import InputError

Row = dict[str, Any]
_SAID = 40  # characters of what is no number that are quoted


@dataclass(frozen=True, kw_only=True)
class Table:
    """The table of a kind of run.

    Attributes:
        file: its name in the run directory.
        title: what its rows are, as a heading.
        numbers, flags: columns that have to be there; whatever else there is stays text.
        known: numbers that no row is without.
        shown: columns of the report.
        later: numbers that runs from before do not have.
    """

    file: str
    title: str
    numbers: tuple[str, ...]
    known: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    shown: tuple[str, ...]
    later: tuple[str, ...] = ()


def read_table(directory: Path, table: Table | None) -> tuple[Row, ...]:
    """The rows, numbers as numbers; none where the run has not written any yet.

    A value that is empty or not finite is None. A last line that is cut off is passed over: it is
    being written.

    Raises:
        InputError: a column or a known value is missing, or a value is not a number; which, and
            where.
    """
    if table is None or not (path := directory / table.file).is_file():
        return ()
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as problem:
        raise InputError(f"cannot read {path}: {problem.strerror or problem}") from None
    whole, _, _ = text.rpartition("\n")
    if not whole.strip():
        return ()
    reader = csv.DictReader(io.StringIO(whole))
    try:
        found = set(reader.fieldnames or ())
    except csv.Error as error:
        raise _damaged(path, error) from None
    lacking = sorted({*table.numbers, *table.flags} - found)
    if lacking:
        raise InputError(f"{path} has no column {lacking[0]}: restore it from a copy")
    try:
        return tuple(_row(values, table, path, line) for line, values in enumerate(reader, start=2))
    except csv.Error as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: csv.Error) -> InputError:
    return InputError(f"{path} is damaged ({error}): restore it from a copy")


def _row(values: dict[str, str | None], table: Table, path: Path, line: int) -> Row:
    row: Row = dict(values)
    for name in table.numbers:
        row[name] = _number(values[name], f"{path}, line {line}, {name}")
        if row[name] is None and name in table.known:
            raise InputError(f"{path}, line {line} has no {name}: restore it from a copy")
    for name in table.later:
        row[name] = _number(values.get(name), f"{path}, line {line}, {name}")
    for name in table.flags:
        row[name] = values[name] == "True"
    return row


def _number(text: str | None, place: str) -> int | float | None:
    if not text:
        return None
    try:
        number = int(text) if text.isdecimal() else float(text)
    except ValueError:
        said = text if len(text) <= _SAID else f"{text[:_SAID]}…"
        raise InputError(
            f"{place}: '{said}' is not a number: restore the file from a copy"
        ) from None
    return number if math.isfinite(number) else None


def seed_accuracies(row: Row, column: str = "accuracies") -> Sequence[float]:
    """The accuracies by seed, fractions, that stand in one cell with spaces between."""
    scores = str(row.get(column) or "").split()
    return [score for text in scores if (score := _number(text, column)) is not None]

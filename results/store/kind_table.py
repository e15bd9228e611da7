"""The table that runs of a kind write: triples, methods, members, epochs, standings.

`trials.csv` of a coefficients run, `comparison.csv`, `family.csv`, `metrics.csv` of a training,
`bench.csv`.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effsearch.search_spaces.errors import InputError

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Table:
    """The table of a kind of run.

    Attributes:
        file: its name in the run directory.
        title: what its rows are, as a heading.
        numbers, flags: columns that have to be there; whatever else there is stays text.
        shown: columns of the report.
        later: numbers that runs from before do not have.
    """

    file: str
    title: str
    numbers: tuple[str, ...]
    flags: tuple[str, ...] = ()
    shown: tuple[str, ...]
    later: tuple[str, ...] = ()


def read_table(directory: Path, table: Table | None) -> tuple[Row, ...]:
    """The rows, numbers as numbers; none where the run has not written any yet.

    An empty value is None. A last line that is cut off is passed over: it is being written.

    Raises:
        InputError: a column is missing or a value is not a number; which, and where.
    """
    if table is None or not (path := directory / table.file).is_file():
        return ()
    text = path.read_text(encoding="utf-8", errors="replace")
    whole, _, _ = text.rpartition("\n")
    reader = csv.DictReader(io.StringIO(whole))
    try:
        found = set(reader.fieldnames or table.numbers)
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
    for name in table.later:
        row[name] = _number(values.get(name), f"{path}, line {line}, {name}")
    for name in table.flags:
        row[name] = values[name] == "True"
    return row


def _number(text: str | None, place: str) -> int | float | None:
    if not text:
        return None
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise InputError(
            f"{place}: '{text}' is not a number: restore the file from a copy"
        ) from None


def seed_accuracies(row: Row, column: str = "accuracies") -> Sequence[float]:
    """The accuracies by seed, fractions, that stand in one cell with spaces between."""
    return [float(score) for score in str(row.get(column) or "").split()]

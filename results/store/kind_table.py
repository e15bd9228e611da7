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

WITHOUT_TRIALS = ("bench", "family", "train")
"""Kinds of runs that have this table and no ledger."""

Row = dict[str, Any]


@dataclass(frozen=True)
class _Table:
    file: str
    numbers: tuple[str, ...]  # columns that have to be there; whatever else there is stays text
    flags: tuple[str, ...] = ()


_TABLES = {
    "bench": _Table("bench.csv", ("evaluations", "reward", "half_width", "regret", "seeds")),
    "coefficients": _Table(
        "trials.csv",
        ("alpha", "beta", "gamma", "product", "macs", "measured_ratio", "accuracy", "low", "high",
         "top_accuracy", "top_low", "top_high"),
        ("tied", "chosen"),
    ),
    "comparison": _Table(
        "comparison.csv",
        ("budget", "macs", "budget_error", "accuracy", "low", "high"),
        ("tied",),
    ),
    "family": _Table(
        "family.csv",
        ("phi", "depth", "width", "resolution", "params", "macs", "memory_bytes", "nominal_ratio",
         "measured_ratio"),
    ),
    "train": _Table(
        "metrics.csv",
        ("epoch", "step", "learning_rate", "resolution_px", "train_loss", "validation_loss",
         "top1", "top5", "seconds", "images_per_second"),
    ),
}  # fmt: skip


def read_own_table(directory: Path, kind: str) -> tuple[Row, ...]:
    """The rows, numbers as numbers; none where the run has not written any yet.

    An empty value is None. A last line that is cut off is passed over: it is being written.

    Raises:
        InputError: a column is missing or a value is no number; which, and where.
    """
    table = _TABLES.get(kind)
    path = directory / table.file if table else directory
    if table is None or not path.is_file():
        return ()
    text = path.read_text(encoding="utf-8", errors="replace")
    whole, _, _ = text.rpartition("\n")
    reader = csv.DictReader(io.StringIO(whole))
    lacking = sorted({*table.numbers, *table.flags} - set(reader.fieldnames or table.numbers))
    if lacking:
        raise InputError(f"{path} has no column {lacking[0]}: restore it from a copy")
    return tuple(_row(values, table, path, line) for line, values in enumerate(reader, start=2))


def _row(values: dict[str, str | None], table: _Table, path: Path, line: int) -> Row:
    row: Row = dict(values)
    for name in table.numbers:
        row[name] = _number(values[name], f"{path}, line {line}, {name}")
    for name in table.flags:
        row[name] = values[name] == "True"
    return row


def _number(text: str | None, place: str) -> int | float | None:
    if not text:
        return None
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise InputError(f"{place}: '{text}' is no number: restore the file from a copy") from None


def seed_accuracies(row: Row, column: str = "accuracies") -> Sequence[float]:
    """The accuracies by seed, fractions, that stand in one cell with spaces between."""
    return [float(score) for score in str(row.get(column) or "").split()]

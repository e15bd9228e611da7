"""`metrics.csv`: one row an epoch, on disk before the epoch's checkpoint.

Columns: `epoch` (from 1), `step` (optimizer steps so far), `learning_rate` (of the last step),
`resolution_px`, `train_loss` and `validation_loss` (means per image, nats), `top1` and `top5`
(fractions of the validation part), `seconds` (of the epoch, validation included),
`images_per_second` (training alone). A value that is not known is empty.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from effsearch.results.kinds.train import TABLE
from effsearch.results.store.files import cannot_write, write_atomically
from effsearch.results.store.table import table_csv

COLUMNS = TABLE.numbers

Row = Mapping[str, Any]


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Make the file anew with these rows: the epochs that a resumed training has behind it.

    Raises:
        EffsearchError: the file cannot be written; what was there stays.
    """
    write_atomically(path, _text(rows))


def append_row(path: Path, row: Row) -> None:
    """Add an epoch and wait until it is on the disk.

    Raises:
        EffsearchError: it cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(_text([row]).partition("\n")[2])  # without the header
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as problem:
        raise cannot_write(path, problem) from problem


def _text(rows: Sequence[Row]) -> str:
    return table_csv({name: [row.get(name) for row in rows] for name in COLUMNS})

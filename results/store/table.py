"""The table of a run's trials, as CSV and as a typed data frame: one row a trial.

Columns, in this order; what a trial does not have is empty:

- `trial`, `batch`: numbers from the ledger. `state`: `done`, `failed` or `waiting`.
- `reward`; `accuracy`: a fraction, 0 to 1.
- one column a cost: `macs` (multiply-adds of convolutions and linear layers, batch 1), `params`,
  `memory_bytes`, whatever else the search counted; whole numbers where the ledger has them.
- `seconds` the evaluation took; `seed`; `arch_id`; `architecture` in one line of notation.
- `reason` (`error`, `timeout`, `nan`) and `error` of a failed trial.
- every other measurement that is a single value; one that shares a name with a column above is
  called `measured_<name>`. Lists, such as a learning curve, stay in the ledger.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.results.store.files import write_atomically
from effsearch.results.store.trials import Trial

if TYPE_CHECKING:
    import pandas as pd

Scalar = str | int | float | bool
Table = dict[str, list[Scalar | None]]

_DTYPES = {
    "trial": "Int64",
    "batch": "Int64",
    "state": "string",
    "reward": "Float64",
    "accuracy": "Float64",
    "seconds": "Float64",
    "seed": "Int64",
    "arch_id": "string",
    "architecture": "string",
    "reason": "string",
    "error": "string",
}
_INT64 = range(-(2**63), 2**63)
# A spreadsheet runs a cell that starts like this as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def trials_table(trials: Sequence[Trial]) -> Table:
    """The columns described above, each as long as there are trials."""
    costs = _names(trial.costs for trial in trials)
    table: Table = {
        "trial": [trial.number for trial in trials],
        "batch": [trial.batch for trial in trials],
        "state": [trial.state for trial in trials],
        "reward": [trial.reward for trial in trials],
        "accuracy": [trial.accuracy for trial in trials],
    }
    table |= {name: [trial.costs.get(name) for trial in trials] for name in costs}
    table |= {
        "seconds": [trial.seconds for trial in trials],
        "seed": [trial.seed for trial in trials],
        "arch_id": [trial.arch_id for trial in trials],
        "architecture": [trial.architecture for trial in trials],
        "reason": [trial.reason for trial in trials],
        "error": [trial.error for trial in trials],
    }
    for name in _names(trial.measurements for trial in trials):
        values = [_scalar(trial.measurements.get(name)) for trial in trials]
        if name != "accuracy" and any(value is not None for value in values):
            table[f"measured_{name}" if name in table else name] = values
    return table


def _names(mappings: Iterable[Mapping[str, object]]) -> list[str]:
    """All keys in the order of their first appearance."""
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _scalar(value: object) -> Scalar | None:
    return value if isinstance(value, str | int | float | bool) else None


def trials_rows(trials: Sequence[Trial]) -> list[dict[str, Scalar | None]]:
    """The table as one dictionary a trial."""
    table = trials_table(trials)
    return [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]


def write_csv(trials: Sequence[Trial], path: Path) -> None:
    """Write the table as CSV (UTF-8, a header line, `\\n` line ends), whole or not at all.

    Raises:
        EffsearchError: the file cannot be written.
    """
    write_atomically(path, csv_text(trials))


def csv_text(trials: Sequence[Trial]) -> str:
    """The table as CSV, see `table_csv`."""
    return table_csv(trials_table(trials))


def rows_csv(rows: Sequence[Mapping[str, Scalar | None]]) -> str:
    """Rows of any table as CSV, see `table_csv`; a column a key, empty where a row lacks it."""
    return table_csv({name: [row.get(name) for row in rows] for name in _names(rows)})


def table_csv(table: Table) -> str:
    """Columns as CSV. Text that a spreadsheet would run as a formula gets a leading `'`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_cell(name) for name in table])
    writer.writerows([_cell(value) for value in row] for row in zip(*table.values(), strict=True))
    return text.getvalue()


def _cell(value: Scalar | None) -> Scalar | None:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def trials_frame(trials: Sequence[Trial]) -> "pd.DataFrame":
    """The table as a data frame with nullable types.

    `Int64` for whole numbers, `Float64`, `boolean` or `string`; a column that holds both whole
    and other numbers, or a whole number beyond 64 bits, is `Float64`.
    """
    import pandas as pd

    table = trials_table(trials)
    return pd.DataFrame(
        {
            name: pd.Series(_as_dtype(values, dtype), dtype=dtype)
            for name, values in table.items()
            for dtype in [_dtype(name, values)]
        }
    )


def _dtype(name: str, values: Sequence[Scalar | None]) -> str:
    present = [value for value in values if value is not None]
    if name in _DTYPES and _DTYPES[name] != "Int64":
        return _DTYPES[name]
    if any(isinstance(value, str) for value in present):
        return "string"
    if name not in _DTYPES and present and all(isinstance(value, bool) for value in present):
        return "boolean"
    if all(isinstance(value, int) and value in _INT64 for value in present):
        return "Int64"
    return "Float64"


def _as_dtype(values: Sequence[Scalar | None], dtype: str) -> list[Scalar | None]:
    if dtype == "string":
        return [None if value is None else str(value) for value in values]
    if dtype == "Float64":
        return [None if value is None else float(value) for value in values]
    return list(values)

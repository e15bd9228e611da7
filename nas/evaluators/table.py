"""A table of measured networks: a CSV with a column `architecture` and a column `accuracy`.

`architecture` holds the one-line notation. What a spreadsheet makes of such a file is read too
(`spreadsheet`), and an accuracy in percent where the column or the cell says so. Further columns
with numbers are measurements too. Several rows of one network are repeated measurements; a trial's
seed picks one of them.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from effsearch.nas.evaluators.coverage import Coverage
from effsearch.nas.evaluators.spreadsheet import number, read_spreadsheet
from effsearch.nas.options import TableMissing
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import parse_architecture
from effsearch.search_spaces.space import SearchSpace
from effsearch.training.trials.evaluator import Evaluator, Measurements, Request


class TableEvaluator(Evaluator):
    """Looks networks up instead of training them.

    Args:
        rows: measurements by architecture id, at least one each.
        coverage: which of them belong to the space that is searched.
        missing: what becomes of a network that the table lacks: a failed trial, or the values of
            the nearest network, whose id is then in `taken_from`.
    """

    batched: ClassVar[bool] = True
    cheap: ClassVar[bool] = True

    def __init__(
        self, rows: dict[str, list[Measurements]], coverage: Coverage, missing: TableMissing
    ) -> None:
        self.rows = rows
        self.coverage = coverage
        self.missing = missing

    @property
    def digest(self) -> str:
        """16 hex digits that name the content, to tell whether it changed between two runs."""
        text = json.dumps(self.rows, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def evaluate(self, requests: Sequence[Request]) -> list[Measurements]:
        """One row each; without an accuracy, which fails that trial alone, for what it lacks."""
        return [self._look_up(request) for request in requests]

    def _look_up(self, request: Request) -> Measurements:
        rows = self.rows.get(request.architecture.id)
        if rows is not None:
            return dict(rows[request.seed % len(rows)])
        if self.missing == "fail":
            return {
                "error": f"network {request.architecture.id} is not in the table; "
                "--table-missing nearest takes the nearest one's values"
            }
        encoding = self.coverage.space.encode(request.architecture)
        id = self.coverage.nearest(encoding.tolist())
        rows = self.rows[id]
        return rows[request.seed % len(rows)] | {"taken_from": id}


def load_table(path: Path, space: SearchSpace, missing: TableMissing) -> TableEvaluator:
    """Read a table of measured networks for a search.

    Raises:
        InputError: as `read_table`, or it holds no network of the space.
    """
    table = read_table(path)
    coverage = Coverage.of(space, table, str(path))
    return TableEvaluator({network.id: rows for network, rows in table.items()}, coverage, missing)


def read_table(path: Path) -> dict[Architecture, list[Measurements]]:
    """The measurements of each network of a table, at least one each.

    Raises:
        InputError: no such file, columns missing, no rows, an unreadable network or accuracy
            (the line is named), or accuracies in percent.
    """
    sheet = read_spreadsheet(path, "architecture")
    names = [_canonical(column) for column in sheet.columns]
    for column in ("architecture", "accuracy"):
        if names.count(column) != 1:
            lacks = "lacks the column" if column not in names else "has more than one column"
            found = ", ".join(f"'{name}'" for name in sheet.columns if name) or "none"
            raise InputError(f"table '{path}' {lacks} '{column}': its columns are {found}")
    in_percent = _says_percent(sheet.columns[names.index("accuracy")])
    rows: dict[Architecture, list[Measurements]] = {}
    for line, cells in sheet.rows:
        where = f"table '{path}', line {line}"
        row = dict(zip(names, cells, strict=True))
        architecture = _architecture(row["architecture"], where)
        rows.setdefault(architecture, []).append(_measurements(row, where, in_percent))
    if not rows:
        raise InputError(f"table '{path}' has no rows")
    return rows


def _canonical(column: str) -> str:
    """`architecture` and `accuracy` however they are written; other names as they are."""
    plain = column.casefold().replace("percent", "%").strip("()[]% ").removesuffix(" in").strip()
    return plain if plain in ("architecture", "accuracy") else column


def _says_percent(column: str) -> bool:
    return "%" in column or "percent" in column.casefold()


def _architecture(text: str | None, where: str) -> Architecture:
    if not text:
        raise InputError(f"{where}: the architecture is missing")
    try:
        if text.lstrip().startswith("{"):
            return Architecture.from_dict(json.loads(text))
        return parse_architecture(text)
    except (InputError, json.JSONDecodeError) as error:
        raise InputError(f"{where}: {error}") from None


def _measurements(row: dict[str, str], where: str, in_percent: bool) -> Measurements:
    """The numbers of a row; in its accuracy, percent may be said by the column or by the cell."""
    measurements: Measurements = {}
    for column, text in row.items():
        try:
            value = number(text)
        except ValueError:
            continue
        if math.isfinite(value):  # other measurements may be missing, the accuracy may not
            measurements[column] = value
    accuracy = measurements.get("accuracy")
    if not isinstance(accuracy, float):
        raise InputError(f"{where}: accuracy is '{row['accuracy']}', not a number")
    if in_percent and "%" not in row["accuracy"]:
        accuracy = measurements["accuracy"] = accuracy / 100
    if not 0 <= accuracy <= 1:
        raise InputError(
            f"{where}: accuracy {accuracy:g} is not a fraction in [0, 1]; divide percents by 100"
        )
    return measurements

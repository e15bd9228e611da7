"""CSV as spreadsheets write it: separators, encodings and numbers of every country.

A cell is text until `number` reads it: `0.713`, `0,713`, `71.3 %`.
"""

import codecs
import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from effsearch.search_spaces.errors import InputError

_SEPARATORS = (",", ";", "\t", "|")
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WORKBOOK = b"PK"


@dataclass(frozen=True, kw_only=True)
class Spreadsheet:
    """A table of text.

    Attributes:
        columns: names as they stand in the first row, without blanks around them.
        rows: line number and cells of each row that is not empty, a cell a column.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_spreadsheet(path: Path, expected: str) -> Spreadsheet:
    """Read a CSV, whatever separates its cells.

    Args:
        expected: a column that it should have; it tells the separator.

    Raises:
        InputError: no such file, or no text.
    """
    text = _text(path)
    first, _, rest = text.partition("\n")
    stated = first.strip().strip('"').casefold()
    own_line = stated.startswith("sep=") and len(stated) == 5  # Excel's
    try:
        separator = stated[4] if own_line else _separator(first, expected)
        text, skipped = (rest, 1) if own_line else (text, 0)
        lines = list(_lines(text, separator))
    except csv.Error as error:
        raise InputError(f"table '{path}' is not a CSV: {error}") from None
    if not lines:
        return Spreadsheet(columns=(), rows=())
    (_, head), *body = lines
    columns = tuple(cell.strip() for cell in head)
    width = len(columns)
    return Spreadsheet(
        columns=columns,
        rows=tuple(
            (line + skipped, (*cells, *[""] * width)[:width]) for line, cells in body if any(cells)
        ),
    )


def number(text: str) -> float:
    """A number with a decimal point or comma, and a percentage as its hundredth.

    Raises:
        ValueError: it is none.
    """
    plain = text.replace("\N{NO-BREAK SPACE}", " ").strip()
    percent = plain.endswith("%")
    plain = plain.removesuffix("%").strip()
    for mark in ",.":
        if plain.count(mark) > 1:
            plain = plain.replace(mark, "")  # between thousands
    if "," in plain and "." in plain:  # the earlier one is between thousands
        plain = plain.replace(min(",.", key=plain.index), "")
    plain = plain.replace(",", ".")
    return float(plain) / 100 if percent else float(plain)


def _text(path: Path) -> str:
    if os.path.exists(path) and not os.path.isfile(path):
        raise InputError(f"table '{path}' cannot be read: it is not a regular file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"table '{path}' cannot be read: {error.strerror}") from None
    if content.startswith(_WORKBOOK):
        raise InputError(f"table '{path}' is a workbook, not a CSV: save it as CSV")
    encoding = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"table '{path}' is not a CSV: {error}") from None
    if "\0" in text:
        raise InputError(f"table '{path}' is not a CSV: it holds bytes that are not text")
    return text


def _separator(first: str, expected: str) -> str:
    """The one by which the first row has the expected column, else which cuts it most often."""

    def cells(separator: str) -> list[str]:
        row = next(csv.reader([first.strip("\r")], delimiter=separator), [])
        return [cell.strip().casefold() for cell in row]

    return max(_SEPARATORS, key=lambda one: (expected in cells(one), len(cells(one))))


def _lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for cells in reader:
        yield reader.line_num, [cell.strip() for cell in cells]

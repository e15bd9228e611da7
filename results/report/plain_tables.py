"""The report's tables that need no script, as HTML with all text escaped."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from effsearch.results.failures import summarise_failures
from effsearch.results.formatting import (
    entries_in_words,
    essentials_of_record,
    flat,
    number,
)
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.metrics import find_metric
from effsearch.search_spaces.units import plural

_DRAWN = ("rows", "standings", "members", "architecture", "schema_version")
_UNFOLDED = 40  # rows of a table that is shown without a click


def own_rows(data: RunData) -> str:
    """The table of the run's kind, such as its triples or epochs; a long one is folded."""
    if data.table is None or not data.rows:
        return ""
    title, columns = data.table.title, data.table.shown
    rows = [{name: _shown(name, row.get(name)) for name in columns} for row in data.rows]
    table = f'<div class="wide">{html_table(rows)}</div>'
    if len(rows) > _UNFOLDED:
        return f"<details><summary>{title}: {plural(len(rows), 'row')}</summary>{table}</details>"
    return f"<h3>{title}</h3>{table}"


def _shown(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float) and find_metric(name).parse is None:
        return f"{value:.6g}"
    return number(name, value)


def failures(data: RunData) -> str:
    """Why evaluations failed, the most frequent reason first; empty where none did."""
    counted = [asdict(failure) for failure in summarise_failures(data.trials)]
    if not counted:
        return ""
    rows = [{key: str(value) for key, value in row.items()} for row in counted]
    return f'<h3>Failed evaluations</h3><div class="wide">{html_table(rows, free="example")}</div>'


def found(data: RunData) -> str:
    """The answer key by key, its tables folded below; empty where there is none.

    Left out is what stands elsewhere in the page: the run's own table, and the network, which is
    drawn.
    """
    if not data.answer:
        return ""
    shown = {key: value for key, value in data.answer.items() if key not in _DRAWN}
    tables = {key: value for key, value in shown.items() if _is_table(value)}
    lines = [
        (key, entries_in_words(value) if isinstance(value, Mapping) else text)
        for key, text in flat({key: shown[key] for key in shown if key not in tables})
        for value in (shown[key],)
    ]
    folded = "".join(
        f"<details><summary>{escape(key)}: {plural(len(rows), 'row')}</summary>"
        f'<div class="wide">{html_table(_even(rows))}</div></details>'
        for key, rows in tables.items()
    )
    return f'<h3>What it found</h3><div class="wide">{_lines(lines)}</div>{folded}'


def _is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _even(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The same columns in each row."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return [dict(flat({name: row.get(name) for name in columns})) for row in rows]


def record(data: RunData) -> str:
    """When and how the run was made, folded."""
    lines = _lines(essentials_of_record(data.record))
    return f"<details><summary>How it was made</summary>{lines}</details>"


def _lines(pairs: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><td class="text">{escape(name)}</td><td class="text free">{escape(value)}</td></tr>'
        for name, value in pairs
    )
    return f"<table><tbody>{cells}</tbody></table>"


def html_table(rows: Sequence[Mapping[str, str]], free: str = "") -> str:
    """Rows of equal keys; the column `free` may wrap."""
    head = "".join(f'<th class="text">{escape(name)}</th>' for name in rows[0])
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="text{" free" if name == free else ""}">{escape(value)}</td>'
            for name, value in row.items()
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

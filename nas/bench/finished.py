"""The searches of a benchmark that have ended, a line of JSON each, for a resumed one."""

import json
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from effsearch.nas.bench.runner import Trace
from effsearch.results.store.events import is_number
from effsearch.results.store.files import finite_float, refuse_constant
from effsearch.search_spaces.errors import InputError

_TYPES: dict[str, type | tuple[type, ...]] = {
    "strategy": str,
    "seed": int,
    "rewards": list,
    "sampled": list,
    "evaluated": int,
    "missing": int,
    "seconds": (int, float),
}


def keep_trace(path: Path, trace: Trace) -> None:
    """Append a search; it is on the disk when this returns."""
    document = asdict(trace)
    for name in ("rewards", "sampled"):
        document[name] = [None if math.isnan(value) else value for value in document[name]]
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(document, allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def kept_traces(path: Path) -> list[Trace]:
    """The searches kept so far; a last line that was cut off by a kill is dropped from the file.

    Raises:
        InputError: a line is none of a search; which. Or the file cannot be read.
    """
    if not path.exists():
        return []
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from None
    whole = data[: data.rfind(b"\n") + 1]
    traces = [_read(path, number, line) for number, line in enumerate(whole.split(b"\n")[:-1], 1)]
    if whole != data:
        os.truncate(path, len(whole))
    return traces


def _read(path: Path, number: int, line: bytes) -> Trace:
    try:
        return _trace(json.loads(line, parse_constant=refuse_constant, parse_float=finite_float))
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise InputError(
            f"{path}, line {number} is not a search ({problem}): restore the file from a copy, or "
            f"keep the {number - 1} lines before it (head -n {number - 1}) to go on from there"
        ) from None


def _trace(document: Any) -> Trace:
    """The search that a line of JSON holds.

    Raises:
        TypeError, KeyError: it holds none.
    """
    if not isinstance(document, dict):
        raise TypeError("no object")
    for name, wanted in _TYPES.items():
        if not isinstance(document[name], wanted) or isinstance(document[name], bool):
            raise TypeError(f"'{name}' cannot be {str(document[name])[:40]!r}")
    for name in ("rewards", "sampled"):
        if not all(value is None or is_number(value) for value in document[name]):
            raise TypeError(f"'{name}' holds something that is not a number")
        document[name] = tuple(math.nan if value is None else value for value in document[name])
    return Trace(**document)

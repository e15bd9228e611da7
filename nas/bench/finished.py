"""The searches of a benchmark that have ended, a line of JSON each, for a resumed one."""

import json
import math
import os
from dataclasses import asdict
from pathlib import Path

from effsearch.nas.bench.runner import Trace


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
    """The searches kept so far; a last line that was cut off by a kill is dropped from the file."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        os.truncate(path, len(whole.encode()))
    return [_trace(line) for line in whole.splitlines()]


def _trace(line: str) -> Trace:
    document = json.loads(line)
    for name in ("rewards", "sampled"):
        document[name] = tuple(math.nan if value is None else value for value in document[name])
    return Trace(**document)

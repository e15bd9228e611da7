"""What users rely on and a tree no longer has: files, keys of JSON documents, columns of tables."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def gone(expected: Path, actual: Path) -> list[str]:
    """Names of files, then of keys and columns with the file that lost them."""
    lost = []
    for path in sorted(expected.rglob("*.txt")):
        name = path.relative_to(expected)
        if not (actual / name).exists():
            lost.append(str(name))
            continue
        old, new = (_names(root.joinpath(name).read_text()) for root in (expected, actual))
        lost += [f"{name}: {key}" for key in sorted(old - new)]
    return lost


def _names(text: str) -> set[str]:
    """Key paths of the documents in a file, or in what a command printed; columns of a table."""
    _, printed, rest = text.partition("\n--- stdout\n")
    written = rest.partition("\n--- stderr\n")[0] if printed else text
    header = written.strip().partition("\n")[0]
    if header.count(",") >= 2 and " " not in header and header[0] not in "{[":
        return set(header.split(","))
    return {path for document in _documents(written) for path in _paths(document)}


def _documents(text: str) -> Iterator[Any]:
    if text.strip()[:1] not in ("{", "["):
        return
    try:
        yield json.loads(text)
    except ValueError:  # a line each
        yield from map(json.loads, text.strip().splitlines())


def _paths(value: Any, above: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{above}.{key}"
            yield from _paths(item, f"{above}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, f"{above}[]")

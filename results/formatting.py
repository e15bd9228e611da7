"""Values as people read them: counts with units, times to the minute, text in one line."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from effsearch.search_spaces.metrics import find_metric

NOTHING_YET = "no finished trials yet"


def essentials_of_record(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """When and how a run was made, as named lines."""
    versions = (record.get("versions") or {}).items()
    return [
        ("created", minute(record["created_at"])),
        ("finished", minute(record.get("finished_at") or "-")),
        ("command", shlex.join(str(word) for word in record.get("command") or ())),
        ("seed", str(record.get("seed"))),
        ("flops", str(record.get("flops_convention"))),
        ("versions", ", ".join(f"{name} {known}" for name, known in versions if known)),
    ]


def flat(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """One line a key; what is long is named, not shown: `--json` has it."""
    lines = []
    for key, value in document.items():
        text = value if isinstance(value, str) else json.dumps(value)
        if isinstance(value, dict | list) and len(text) > 200:
            text = f"({len(value)} entries, see --json)"
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        lines.append((key, number(key, value) if is_number else text))
    return lines


def targets(values: Mapping[str, Any]) -> str:
    """Targets in one line, `macs 400.0M`; `-` where there is none."""
    return ", ".join(f"{name} {number(name, value)}" for name, value in values.items()) or "-"


def minute(moment: str) -> str:
    """An ISO time to the minute, `2026-01-31 09:05`."""
    return moment[:16].replace("T", " ")


def number(name: str, value: object) -> str:
    """A value for reading; what it counts is told by its name."""
    if not isinstance(value, int | float):
        return "-" if value is None else str(value)
    if name == "seconds":
        return f"{value:.4g}"
    return find_metric(name).format(value)


def one_line(text: str) -> str:
    """The text without control characters: errors of user code must not reach the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)

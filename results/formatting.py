"""Values as people read them: counts with units, times to the minute, text in one line."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from effsearch.search_spaces.units import format_bytes, format_count, format_ms

NOTHING_YET = "no finished trials yet"


def essentials(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What `effsearch.results.listing.describe` says about a run, as named lines."""
    record, best = document["record"], document["best"]
    head = [
        ("run", f"{document['run']} in {document['path']}"),
        ("status", document["status"]),
        *essentials_of_record(record),
    ]
    if epochs := document["epochs"]:
        top1 = number("accuracy", document["best_top1"])
        return [
            *head,
            ("epochs", f"{epochs['done']} of {epochs['planned']}"),
            ("best", f"top-1 {top1} on the validation part"),
        ]
    if searches := document["searches"]:
        return [
            *head,
            ("target", targets(document["targets"])),
            ("searches", f"{searches['ended']} of {searches['planned']}"),
        ]
    if record["kind"] == "family":
        return head
    found = (
        f"trial {best['trial']}, reward {number('reward', best['reward'])}, "
        f"accuracy {number('accuracy', best['accuracy'])}"
        if best
        else NOTHING_YET
    )
    return [
        *head,
        ("target", targets(document["targets"])),
        ("trials", ", ".join(f"{count} {state}" for state, count in document["trials"].items())),
        ("best", found),
        ("digest", document["digest"]),
    ]


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
    if name.endswith("bytes"):
        return format_bytes(value)
    if name.endswith("_ms"):
        return format_ms(value)
    if name in {"macs", "params", "flops"}:
        return format_count(value)
    if name == "accuracy" or name.endswith("reward"):
        return f"{value:.4f}"
    if name == "seconds":
        return f"{value:.4g}"
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def one_line(text: str) -> str:
    """The text without control characters: errors of user code must not reach the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)

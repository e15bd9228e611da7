"""Values as people read them: counts with units, times to the minute, text in one line."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from effsearch.search_spaces.metrics import find_metric

NOTHING_YET = "no finished trials yet"
_LONGEST = 200
"""Letters of a value in a table of a terminal."""


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
    """One line a key; of what is long as much is shown as tells what it is: `--json` has it all."""
    return [(key, _said(key, value, _LONGEST)) for key, value in document.items()]


def entries_in_words(document: Mapping[str, Any], longest: int | None = None) -> str:
    """`epochs 10, optimizer.name sgd, …`: what is set of a nested document, in one line.

    Args:
        document: of scalars, lists and documents like it.
        longest: letters that may be shown; what is beyond is counted. None for all.
    """
    said = [f"{name} {value}" for name, value in _leaves(document, "")]
    whole = ", ".join(said)
    if longest is None or len(whole) <= longest:
        return whole
    kept: list[str] = []
    while said and len(", ".join([*kept, said[0]])) <= longest:
        kept.append(said.pop(0))
    return f"{', '.join(kept)}, and {len(said)} more (see --json)"


def _said(key: str, value: Any, longest: int | None) -> str:
    if isinstance(value, Mapping):
        return entries_in_words(value, longest) or "-"
    if isinstance(value, list):
        text = ", ".join(_scalar(one) for one in value)
        entries = "1 entry" if len(value) == 1 else f"{len(value)} entries"
        is_long = len(text) > _LONGEST or any(isinstance(one, list | Mapping) for one in value)
        return f"({entries}, see --json)" if is_long else text or "-"
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return one_line(number(key, value))


def _leaves(document: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            if value:
                yield (
                    f"{prefix}{name}",
                    f"[{_said(name, value, None)}]".replace("[(", "(").replace(")]", ")"),
                )
        elif value is not None and value is not False:
            yield f"{prefix}{name}", _said(name, value, None)


def _scalar(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else one_line(str(value))


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

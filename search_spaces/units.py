"""Amounts as people write them: `400M` multiply-adds, `8ms`, `64MB`, φ from `0..7`."""

import math
import re

from effsearch.search_spaces.errors import InputError

_COUNT = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_MILLISECONDS = {unit: 1e3 * seconds for unit, seconds in _SECONDS.items()}
_BYTES = {
    "b": 1.0,
    "kb": 1e3,
    "mb": 1e6,
    "gb": 1e9,
    "kib": 2.0**10,
    "mib": 2.0**20,
    "gib": 2.0**30,
}
_LONGEST_RANGE = 10_000
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-z]*)", re.IGNORECASE)


def parse_count(text: str | float) -> float:
    """Read a positive count such as `400M`, `0.39G`, `4e8` or `385814752`.

    Raises:
        InputError: not a number, not finite, zero or negative, or an unknown unit.
    """
    return _parse(text, _COUNT, "an amount such as 400M, 0.39G or 4e8")


def parse_seconds(text: str | float) -> float:
    """Read a positive time with its unit (`8ms`, `1.2s`, `10m`, `4h`) in seconds.

    Raises:
        InputError: the unit is missing or unknown, or the number is not positive and finite.
    """
    return _parse(text, _SECONDS, "a time with its unit such as 8ms, 1.2s, 10m or 4h")


def parse_milliseconds(text: str | float) -> float:
    """Read a positive latency with its unit (`8ms`, `0.1s`) in milliseconds.

    A number that is not text is in milliseconds already.

    Raises:
        InputError: the unit is missing or unknown, or the number is not positive and finite.
    """
    numeric = isinstance(text, int | float) and not isinstance(text, bool)
    written = f"{text!r}ms" if numeric else text
    return _parse(written, _MILLISECONDS, "a latency with its unit such as 8ms or 0.1s")


def parse_bytes(text: str | float) -> float:
    """Read a positive memory size with its unit (`64MB`, `1GiB`) in bytes.

    Raises:
        InputError: the unit is missing or unknown, or the number is not positive and finite.
    """
    return _parse(text, _BYTES, "a memory size with its unit such as 64MB or 1GiB")


def _parse(text: str | float, units: dict[str, float], wanted: str) -> float:
    match = _NUMBER.fullmatch(str(text).strip())
    unit = match.group(2).lower() if match else ""
    if match is None or unit not in units:
        raise InputError(f"'{text}' is not {wanted}")
    value = float(match.group(1)) * units[unit]
    if not math.isfinite(value) or value <= 0:
        raise InputError(f"'{text}' must be more than zero and finite: give {wanted}")
    return value


def parse_numbers(text: str) -> tuple[float, ...]:
    """Read a list of numbers, where `0..7` stands for the whole numbers from 0 to 7.

    Raises:
        InputError: something in the list is neither a number nor a rising range.
    """
    numbers: list[float] = []
    for part in (piece.strip() for piece in str(text).split(",")):
        first, dots, last = part.partition("..")
        try:
            numbers += _rising(int(first), int(last)) if dots else [_finite(first)]
        except ValueError:
            whole = "" if part == str(text).strip() else f" in '{text}'"
            raise InputError(
                f"'{part}'{whole} is neither a number nor a range of whole numbers such as 0..7"
            ) from None
    return tuple(numbers)


def _rising(first: int, last: int) -> list[float]:
    if last < first:
        raise InputError(f"the range {first}..{last} falls: write {last}..{first}")
    if last - first >= _LONGEST_RANGE:
        raise InputError(f"the range {first}..{last} holds more than {_LONGEST_RANGE:,} numbers")
    return [float(number) for number in range(first, last + 1)]


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def format_count(value: float) -> str:
    """Write a count for reading: `385.8M`, `1.83G`. Data files carry whole integers instead."""
    for size, digits, unit in ((1e9, 2, "G"), (1e6, 1, "M"), (1e3, 1, "k")):
        if _fills(value, size):
            return f"{value / size:.{digits}f}{unit}"
    return f"{value:.0f}"


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 epoch`, `1,000 epochs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_bytes(value: float) -> str:
    """Write a memory size for reading: `12.3MB` (decimal)."""
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if _fills(value, size):
            return f"{value / size:.1f}{unit}"
    return f"{value:.0f}B"


def format_ms(milliseconds: float) -> str:
    """Write a latency for reading: `8.25ms`, `183ms`, `1.2s`."""
    if _fills(milliseconds, 1e3):
        return f"{milliseconds / 1e3:.4g}s"
    return f"{milliseconds:.3g}ms"


def _fills(value: float, size: float) -> bool:
    """Whether a value reads best in this unit: 999,999 is 1.0M and not 1000.0k."""
    return abs(value) >= size * (1 - 5e-5)

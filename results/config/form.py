"""How a value is written where it is not plain: `400M`, `90s`, `1,1.5`, `a,b`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.units import (
    parse_bytes,
    parse_count,
    parse_milliseconds,
    parse_numbers,
    parse_seconds,
)

Read = Callable[[str, Any], Any]


@dataclass(frozen=True)
class Form:
    """A way to write a value.

    Attributes:
        metavar: what `--help` shows for the value.
        read: from the option's name and what was given to the value; leaves what it does not
            understand to the check of the type, or raises an `InputError`.
        is_amount: whether numbers of a file or of Python are taken beside text.
        repeats: whether the option is given once for each value on the command line.
    """

    metavar: str
    read: Read
    is_amount: bool = False
    repeats: bool = False


def _amount(metavar: str, parse: Callable[[Any], float], unit: str = "") -> Form:
    def read(name: str, value: Any) -> float:
        # A number is in the option's own unit already; text carries its unit.
        bare = unit and isinstance(value, int | float) and not isinstance(value, bool)
        text = f"{value!r}{unit}" if bare else value
        try:
            return parse(text)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None

    return Form(metavar, read, is_amount=True)


def _pair(name: str, value: Any) -> tuple[float, ...]:
    given = parse_numbers(value) if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise InputError(f"{name} must be two numbers such as 1,1.5, not {value!r}")
    return tuple(
        float(item) if isinstance(item, int) and not isinstance(item, bool) else item
        for item in given
    )


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    if isinstance(value, str):
        return parse_numbers(value)
    try:
        return tuple(float(number) for number in value)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers such as [0, 1, 2], not {value!r}") from None


def _parts(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else value


def _names(name: str, value: Any) -> Any:
    given = (value,) if isinstance(value, str) else () if value is None else value
    return tuple(dict.fromkeys(given)) if isinstance(given, list | tuple) else given


COUNT = _amount("AMOUNT", parse_count)
BYTES = _amount("SIZE", parse_bytes, "B")
SECONDS = _amount("TIME", parse_seconds, "s")
MILLISECONDS = _amount("TIME", parse_milliseconds)
PAIR = Form("LOW,HIGH", _pair)
NUMBERS = Form("NUMBERS", _numbers)
LIST = Form("A,B,…", _parts)
NAMES = Form("NAME", _names, repeats=True)

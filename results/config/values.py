"""Checks of one value by its type; a message names the option and what is wanted."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from effsearch.search_spaces.errors import InputError

LARGEST = 2**53 - 1
"""Of whole numbers: JSON, and what reads it, holds no larger one exactly."""


def check_text(name: str, value: object) -> None:
    """Raise an InputError unless a value is text."""
    if callable(value):
        raise InputError(f"{name} must be text, not a function: name it as file.py:function")
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} must be text, not {value!r}")


def check_whole(name: str, value: object, lowest: float) -> None:
    """Raise an InputError unless a value is a whole number from `lowest` to `LARGEST`."""
    if isinstance(value, int) and abs(value) > LARGEST:
        raise InputError(f"{name} must be a whole number of at most {LARGEST:,}")
    if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
        raise InputError(f"{name} must be a whole number of at least {lowest:g}, not {value!r}")


def check_number(name: str, value: object, lowest: float | None, example: str) -> None:
    """Raise an InputError unless a value is a finite number, and of at least `lowest`."""
    if isinstance(value, int) and abs(value) > LARGEST:
        raise InputError(f"{name} is written in too many digits")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    usable = number and math.isfinite(value)  # type: ignore[arg-type]
    if lowest is None and not usable:
        raise InputError(f"{name} must be a number, not {value!r}")
    if lowest is not None and (not usable or value < lowest):  # type: ignore[operator]
        such = f", such as {example}," if example else ","
        raise InputError(f"{name} must be {lowest:g} or more{such} not {value!r}")


def check_truth(name: str, value: object) -> None:
    """Raise an InputError unless a value is true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{name} must be true or false, not {value!r}")


def check_mapping(name: str, value: object) -> None:
    """Raise an InputError unless a value is a mapping from names."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InputError(f"config key '{name}' must be a mapping from names, not {value!r}")


def check_texts(name: str, value: object) -> None:
    """Raise an InputError unless a value is a tuple of texts."""
    if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{name} must be a list of texts, not {value!r}")


CHECKS: Mapping[Any, Callable[[str, object], None]] = {
    str: check_text,
    bool: check_truth,
    dict: check_mapping,
    tuple[str, ...]: check_texts,
}
"""By type; numbers have bounds besides, and other types the check of their form alone."""

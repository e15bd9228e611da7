"""Settings of a command: a YAML file, then flags over it, into one frozen dataclass."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.units import parse_bytes, parse_seconds

T = TypeVar("T")

Parse = Callable[[str | float], float]


def read_config(path: Path) -> dict[str, Any]:
    """The values of a YAML file of a command's settings.

    Raises:
        InputError: no such file, not YAML, or no mapping.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"config '{path}' cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = "" if line is None else f", line {line + 1}"
        raise InputError(f"config '{path}' is not valid YAML{place}") from None
    if not isinstance(document, dict):
        raise InputError(f"config '{path}' must be a mapping of option names to values")
    return document


def merge_settings(
    made: Callable[..., T],
    known: type[T],
    sources: tuple[Mapping[str, Any], ...],
    amounts: Mapping[str, Parse],
) -> T:
    """Settings from mappings, later ones over earlier ones.

    Args:
        made: what takes the values by name, such as the dataclass itself.
        known: the dataclass whose attributes are the keys.
        sources: the mappings.
        amounts: keys whose values are read as amounts, such as `400M`, `90s` or `64MB`.

    Raises:
        InputError: an unknown key (the nearest known one is named) or a value out of range.
    """
    names = {item.name for item in fields(known)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for source in sources:
        for key, value in source.items():
            if key not in names:
                raise unknown_name("config key", key, names)
            values[key] = value
    for key, parse in amounts.items():
        if values.get(key) is not None:
            values[key] = _amount(key, values[key], parse)
    return made(**values)


def check_mapping(name: str, value: object) -> None:
    """Raise an InputError unless a setting is a mapping."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InputError(f"config key '{name}' must be a mapping from names, not {value!r}")


def check_text(name: str, value: object) -> None:
    """Raise an InputError unless a setting is text."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} must be text, not {value!r}")


def check_real(name: str, value: object) -> None:
    """Raise an InputError unless a setting is a finite number."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value):  # type: ignore[arg-type]
        raise InputError(f"{name} must be a number, not {value!r}")


def check_whole(name: str, value: object, lowest: int) -> None:
    """Raise an InputError unless a setting is a whole number of at least `lowest`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
        raise InputError(f"{name} must be a whole number of at least {lowest}, not {value!r}")


def check_gpus(value: object) -> None:
    """Raise an InputError unless `gpus_per_trial` is None or a finite number of 0 or more."""
    if value is None:
        return
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    if not usable or not 0 <= value < float("inf"):  # type: ignore[operator]
        raise InputError(f"gpus_per_trial must be 0 or more, such as 0.25, not {value!r}")


def changed_keys(
    before: Mapping[str, Any], now: Mapping[str, Any], may_change: frozenset[str]
) -> list[str]:
    """Keys in which a resumption differs from its run although it must not."""
    return [key for key, value in now.items() if key not in may_change and before.get(key) != value]


def _amount(key: str, value: Any, parse: Parse) -> float:
    # A number in a file is in the key's own unit already; text carries its unit.
    text = f"{value!r}s" if parse is parse_seconds and isinstance(value, int | float) else value
    text = f"{value!r}B" if parse is parse_bytes and isinstance(value, int | float) else text
    try:
        return float(parse(text))
    except InputError as error:
        raise InputError(f"{key}: {error}") from None

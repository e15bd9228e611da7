"""The events of a search, and the JSON line that each of them is in a ledger.

What cannot be an event is refused on writing and on reading.
"""

import hashlib
import json
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from effsearch.results.store.files import refuse_constant
from effsearch.search_spaces.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A strategy asked for an architecture to be measured.

    `costs` are known before training (`macs`, `params`, `memory_bytes`); `architecture` is one
    line of notation; `time` is seconds since the epoch; `epochs` is how long it is to be trained
    where that is less than a whole training, and else is not written.
    """

    trial: int
    batch: int
    seed: int
    arch_id: str
    architecture: str
    encoding: tuple[int, ...]
    costs: dict[str, float | int]
    time: float
    epochs: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A trial was measured: `measurements` hold at least `accuracy` (a fraction, 0 to 1)."""

    trial: int
    measurements: dict[str, object]
    reward: float
    seconds: float
    worker: str
    time: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A trial ended without a measurement; `reason` is `error`, `timeout` or `nan`."""

    trial: int
    reason: str
    error: str
    seconds: float
    worker: str
    time: float


Event = Asked | Told | Failed

_KINDS: dict[str, type[Event]] = {"asked": Asked, "told": Told, "failed": Failed}
_NAMES = {event_type: kind for kind, event_type in _KINDS.items()}
_FIELDS = {kind: tuple(field.name for field in fields(_KINDS[kind])) for kind in _KINDS}
_NUMBER = (int, float)
_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "trial": int,
    "batch": int,
    "seed": int,
    "arch_id": str,
    "architecture": str,
    "encoding": list,
    "costs": dict,
    "measurements": dict,
    "reward": _NUMBER,
    "seconds": _NUMBER,
    "time": _NUMBER,
    "worker": str,
    "reason": str,
    "error": str,
    "epochs": int,
}
_OPTIONAL = frozenset({"epochs"})  # not written where it is None
_DECODER = json.JSONDecoder(parse_constant=refuse_constant)
# Two runs of one search differ in these and in nothing else.
_VOLATILE = frozenset({"time", "seconds", "worker"})


def digest(events: Iterable[Event]) -> str:
    """Name a search by its content: 16 hex digits of a SHA-256.

    Times, durations and workers are left out and the order of the events does not count, so two
    runs of the same deterministic search are equal at any number of workers.
    """
    lines = sorted(
        (event.trial, _NAMES[type(event)], encode_event(event, _VOLATILE)) for event in events
    )
    return hashlib.sha256("\n".join(line for _, _, line in lines).encode()).hexdigest()[:16]


def encode_event(event: Event, without: frozenset[str] = frozenset()) -> str:
    """One line of JSON, without its line end and without the fields named.

    Raises:
        InputError: the event holds NaN, an infinity or something that JSON cannot hold.
    """
    kind = _NAMES[type(event)]
    document = {"event": kind}
    document |= {
        name: getattr(event, name)
        for name in _FIELDS[kind]
        if name not in without and not (name in _OPTIONAL and getattr(event, name) is None)
    }
    try:
        return json.dumps(document, separators=(",", ":"), allow_nan=False, default=_plain)
    except (ValueError, TypeError) as problem:
        raise InputError(
            f"trial {event.trial} cannot be recorded as '{kind}' ({problem}): "
            "measurements are finite numbers, text, or lists of them"
        ) from problem


def _plain(value: Any) -> object:
    # Numbers of numpy and torch come from evaluators; both spell "as plain Python" this way.
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not a plain value")


class NotJsonError(ValueError):
    """A line is no JSON at all, such as one cut off in the middle."""


class NotAnEventError(ValueError):
    """A line is JSON, but no event that this version knows."""


def decode_event(line: bytes) -> Event:
    """The event of one line of a ledger.

    Raises:
        NotJsonError: the line is torn or damaged.
        NotAnEventError: its kind is unknown, or a key is missing or of the wrong type.
    """
    try:
        document = _DECODER.decode(line.decode())
    except (ValueError, RecursionError):
        raise NotJsonError("this is not JSON") from None
    kind = document.get("event") if isinstance(document, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise NotAnEventError(f"unknown event {kind!r} (known: {', '.join(_KINDS)})")
    values = {name: _checked(kind, name, document) for name in _FIELDS[kind]}
    if kind == "asked":
        values["encoding"] = _numbers(kind, "encoding", tuple(values["encoding"]), int)
        costs = _interned(values["costs"])
        _refuse_infinite(kind, "costs", costs)
        _numbers(kind, "costs", tuple(costs.values()), _NUMBER)
        values["costs"] = costs
    if kind == "told":
        values["measurements"] = _interned(values["measurements"])
        _refuse_infinite(kind, "measurements", values["measurements"])
        if not math.isfinite(values["reward"]):
            raise NotAnEventError("the reward is not finite")
    return _KINDS[kind](**values)


def _refuse_infinite(kind: str, name: str, values: dict[str, Any]) -> None:
    # 1e999 is read as an infinity. (A decoder that looks at every number takes twice as long.)
    lists = [value for value in values.values() if isinstance(value, list)]
    for numbers in (values.values(), *lists):
        if math.inf in numbers or -math.inf in numbers:
            raise NotAnEventError(f"'{name}' of '{kind}' cannot hold what is not finite")


def _checked(kind: str, name: str, document: dict[str, Any]) -> Any:
    if name not in document:
        if name in _OPTIONAL:
            return None
        raise NotAnEventError(f"'{name}' is missing from '{kind}'")
    value = document[name]
    if not isinstance(value, _JSON_TYPES[name]):
        raise NotAnEventError(f"'{name}' of '{kind}' cannot be {value!r}")
    return value


def is_number(value: object) -> bool:
    """Whether a value of JSON is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(
    kind: str, name: str, values: tuple[Any, ...], wanted: type | tuple[type, ...]
) -> tuple[Any, ...]:
    for value in values:
        if not isinstance(value, wanted):
            raise NotAnEventError(f"'{name}' of '{kind}' cannot hold {value!r}")
    return values


def _interned(values: dict[str, Any]) -> dict[str, Any]:
    # The decoder makes new key strings a line; ten thousand trials share these.
    return {sys.intern(name): value for name, value in values.items()}

"""Damage done to a file: its bytes, its lines, its numbers and texts, and the tree of its JSON."""

import json
import random
import re
from collections.abc import Callable
from typing import Any

ESCAPE = "\x1b[31mred\x1b]0;title\x07\x9b2J"
LONG = 200_000  # characters of a line that does not seem to end


def deep(levels: int) -> Any:
    """A list in a list, so many times."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


ABSURD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 0.5, 10**30, -(10**30), 1e300, -1e300, 1e-300, float("nan"),
    float("inf"), "", "text", "5", "1e300", ESCAPE, "ä ö ü", "\ud800", "x" * 5000, "../..", "=1+1",
    [], {}, [None], [[]], {"x": 1}, ["text"], [1, 2], deep(60), "9" * 5000,
)  # fmt: skip
_TOKENS = (
    "1e300", "-1", "0", "1", "NaN", "Infinity", "9" * 30, "9" * 5000, "1e-300", "1e400", "-0.0",
    "null", '"text"', "[]", "{}", "true", "0.5", "", "\x00", "١٢", "0x10", "1_000", "--1", "1,5",
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_TEXT = re.compile(rb'"[^"\n]*"')


def damage(data: bytes, rng: random.Random) -> tuple[str, bytes]:
    """The name of one kind of damage, and what it leaves of a file."""
    kinds: list[Callable[[bytes, random.Random], bytes]] = [*_BYTES]
    if b"\x00" not in data:
        kinds += _LINES * 2
    if data.lstrip()[:1] in (b"{", b"["):
        kinds += [_in_json] * 16
    kind = rng.choice(kinds)
    return kind.__name__.strip("_"), kind(data, rng)


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _insert(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data) + 1)
    what = rng.choice((b"\x00", b"\xff\xfe", b'"', b"\n", b"{", b"}", b",", b"\x1b[2J", b"\r"))
    return data[:place] + what + data[place:]


def _empty(data: bytes, rng: random.Random) -> bytes:
    return b""


def _garbage(data: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((1, 16, 4096)))


def _other_encoding(data: bytes, rng: random.Random) -> bytes:
    text = data.decode("utf-8", errors="replace")
    return text.encode(rng.choice(("utf-16", "utf-8-sig", "utf-32")), errors="replace")


def _other_ends(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\n", rng.choice((b"\r\n", b"\r", b"", b"\n\n")))


def _endless(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    place = rng.randrange(len(lines))
    lines[place] += rng.choice((b"x", b"1", b"[", b'{"a":', b",", b" ")) * LONG
    return b"\n".join(lines)


_BYTES = (
    _cut, _flip, _insert, _empty, _garbage, _other_encoding, _other_ends, _endless
)  # fmt: skip


def _drop(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    del lines[rng.randrange(len(lines))]
    return b"\n".join(lines)


def _twice(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    place = rng.randrange(len(lines))
    return b"\n".join([*lines[: place + 1], *lines[place:]])


def _swap(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _shuffle(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def _join(data: bytes, rng: random.Random) -> bytes:
    place = data.find(b"\n", rng.randrange(len(data) + 1))
    return data if place < 0 else data[:place] + data[place + 1 :]


def _number(data: bytes, rng: random.Random) -> bytes:
    return _replaced(data, _NUMBER, rng, lambda: rng.choice(_TOKENS))


def _text(data: bytes, rng: random.Random) -> bytes:
    texts = [json.dumps(value) for value in ABSURD if isinstance(value, str)]
    return _replaced(data, _TEXT, rng, lambda: rng.choice((*texts, "null", "5", "[]")))


def _replaced(
    data: bytes, pattern: re.Pattern[bytes], rng: random.Random, new: Callable[[], str]
) -> bytes:
    found = list(pattern.finditer(data))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start()] + new().encode("utf-8", "replace") + data[one.end() :]


_LINES = (_drop, _twice, _swap, _shuffle, _join, _number, _text)


def _in_json(data: bytes, rng: random.Random) -> bytes:
    """Another value at some place of the tree, or none; of JSON lines, of one line."""
    lines = data.splitlines(keepends=True)
    try:
        json.loads(data)
        lines = [data]
    except ValueError:
        pass
    place = rng.randrange(len(lines)) if lines else 0
    try:
        tree = json.loads(lines[place])
    except (ValueError, IndexError):
        return data
    lines[place] = json.dumps(_changed(tree, rng)).encode() + b"\n"
    return b"".join(lines)


def _changed(tree: Any, rng: random.Random) -> Any:
    """A tree with one of its values replaced or taken out."""
    if isinstance(tree, dict) and tree and rng.random() < 0.95:
        key = rng.choice(list(tree))
        if rng.random() < 0.2:
            return {name: value for name, value in tree.items() if name != key}
        if isinstance(tree[key], dict | list) and rng.random() < 0.7:
            return {**tree, key: _changed(tree[key], rng)}
        return {**tree, key: rng.choice(ABSURD)}
    if isinstance(tree, list) and tree and rng.random() < 0.9:
        place = rng.randrange(len(tree))
        return [*tree[:place], _changed(tree[place], rng), *tree[place + 1 :]]
    return rng.choice(ABSURD)

"""Who hears of a ledger's events, after they are on the disk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeAlias

Follower: TypeAlias = Callable[[Path, Sequence[Any]], None]
"""Takes the ledger's path and the events that were appended."""

_FOLLOWER: ContextVar[Follower | None] = ContextVar("ledger_follower", default=None)


@contextmanager
def ledgers_followed(follower: Follower) -> Iterator[None]:
    """Inside the block, ledgers that are opened tell a follower what is appended."""
    token = _FOLLOWER.set(follower)
    try:
        yield
    finally:
        _FOLLOWER.reset(token)


def current_follower() -> Follower | None:
    """Who is to be told; None for nobody."""
    return _FOLLOWER.get()

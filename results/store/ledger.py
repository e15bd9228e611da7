"""The ledger of a run: `trials.jsonl`, append-only, one fsynced JSON line an event.

It is the only source of truth; resume, CSV, plots and the winner all come from it.
"""

import contextlib
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from effsearch.results.store.closing import Closing
from effsearch.results.store.events import (
    Asked,
    Event,
    Failed,
    NotAnEventError,
    NotJsonError,
    Told,
    decode_event,
    digest,
    encode_event,
    is_number,
)
from effsearch.results.store.files import cannot_write, sync_folder
from effsearch.results.store.following import current_follower
from effsearch.search_spaces.errors import InputError

__all__ = [
    "Asked",
    "Event",
    "Failed",
    "Ledger",
    "Told",
    "digest",
    "history",
    "iterate_events",
    "read_events",
]


class Ledger(Closing):
    """The writer of one `trials.jsonl`. Only the process that holds the run's lock opens one.

    `notice` says what was repaired on opening, in one line; `None` where nothing was.
    """

    def __init__(
        self, path: Path, descriptor: int, notice: str | None, begun: list[Event] | None = None
    ) -> None:
        self.path = path
        self.notice = notice
        self._begun = begun
        self._descriptor = descriptor
        self._follower = current_follower()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open for appending; make the file where there is none, cut off a torn last line.

        Raises:
            InputError: a line before the last is corrupt; the file is left as it is.
            EffsearchError: the file cannot be written.
        """
        good_bytes, begun = 0, []
        if path.exists():
            with no_garbage():
                for event, good_bytes in _parse(path):  # noqa: B007 - the last one counts
                    begun.append(event)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            torn_bytes = os.fstat(descriptor).st_size - good_bytes
            if torn_bytes:
                os.ftruncate(descriptor, good_bytes)
                os.fsync(descriptor)
            sync_folder(path.parent)
        except OSError as problem:
            raise cannot_write(path, problem) from problem
        notice = f"{path}: dropped a torn last line ({torn_bytes} bytes)" if torn_bytes else None
        return cls(path, descriptor, notice, begun)

    def append(self, *events: Event) -> None:
        """Write the events, in this order, with one fsync for all of them.

        On an error none of them is kept.

        Raises:
            EffsearchError: the file cannot be written, such as on a full disk.
            InputError: an event holds NaN, an infinity or something that JSON cannot hold.
            Stop: a callback wishes so (`results.callbacks`); the events are kept.
        """
        self._begun = None
        data = "".join(encode_event(event) + "\n" for event in events).encode()
        start = os.lseek(self._descriptor, 0, os.SEEK_END)
        try:
            _write_all(self._descriptor, data)
            os.fsync(self._descriptor)
        except OSError as problem:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, start)
            raise cannot_write(self.path, problem) from problem
        if self._follower is not None:
            self._follower(self.path, events)

    def events(self) -> Iterator[Event]:
        """Read back what the file holds, one event at a time; nothing is kept in memory."""
        return iterate_events(self.path)

    def history(self) -> list[Event]:
        """As the function `history`; the file is not read again where it was just opened.

        Raises:
            InputError: as `history`.
        """
        events, self._begun = self._begun, None
        return history(self.path) if events is None else _coherent(self.path, events)

    def close(self) -> None:
        """Close the file. Everything appended is on the disk already."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def iterate_events(path: Path) -> Iterator[Event]:
    """Read a ledger one event at a time, without changing it; a torn last line is passed over.

    Safe while another process appends.

    Raises:
        InputError: the file is missing, or a line before the last is corrupt (it is named).
    """
    return (event for event, _ in _parse(path))


def read_events(path: Path) -> list[Event]:
    """Read a whole ledger as `iterate_events` does.

    Raises:
        InputError: the file is missing, or a line before the last is corrupt (it is named).
    """
    with no_garbage():
        return list(iterate_events(path))


@contextmanager
def no_garbage() -> Iterator[None]:
    """Within the block nothing is looked through for garbage: events by the ten thousand, of which
    none is, would be looked through again and again.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def history(path: Path) -> list[Event]:
    """The events that a search goes on from: trials in the order asked, each ended once at most.

    Raises:
        InputError: as `read_events`; or lines are missing, doubled or out of their order, or a
            measurement has no accuracy.
    """
    return _coherent(path, read_events(path))


def _coherent(path: Path, events: list[Event]) -> list[Event]:
    """The events of a ledger, if they can have been written one after the other."""
    asked = 0
    ended: set[int] = set()
    for line, event in enumerate(events, start=1):
        if isinstance(event, Asked):
            if event.trial != asked:
                raise _out_of_order(path, line, f"trial {event.trial} instead of {asked}")
            asked += 1
            continue
        if not 0 <= event.trial < asked:
            raise _out_of_order(path, line, f"trial {event.trial} ends before it was asked")
        if event.trial in ended:
            raise _out_of_order(path, line, f"trial {event.trial} ends twice")
        ended.add(event.trial)
        if isinstance(event, Told) and not is_number(event.measurements.get("accuracy")):
            raise _out_of_order(path, line, f"trial {event.trial} has no accuracy")
    return events


def _out_of_order(path: Path, number: int, what: str) -> InputError:
    return _corrupt(path, number, ValueError(f"the ledger contradicts itself: {what}"))


def _parse(path: Path) -> Iterator[tuple[Event, int]]:
    """Yield each event with the number of bytes up to the end of its line."""
    try:
        stream = path.open("rb")
    except OSError as problem:
        raise InputError(f"cannot read the ledger {path}: {problem.strerror}") from problem
    with stream:
        end = 0
        for number, line in enumerate(stream, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                event = decode_event(line)
            except NotJsonError as problem:
                if not stream.read(1):
                    return
                raise _corrupt(path, number, problem) from None
            except NotAnEventError as problem:
                raise _corrupt(path, number, problem) from None
            end += len(line)
            yield event, end


def _corrupt(path: Path, number: int, what: ValueError) -> InputError:
    return InputError(
        f"{path}, line {number}: {what}: restore the file from a copy, or keep the "
        f"{number - 1} lines before it (head -n {number - 1}) to go on from there"
    )

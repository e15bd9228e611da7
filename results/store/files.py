"""Files that are either written whole or not at all.

A reader, a crash or a full disk never sees half of what is written here.
"""

import contextlib
import errno
import json
import math
import os
import secrets
from pathlib import Path

from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.text_file import refuse_endless

_NO_DIRECTORY_SYNC = {errno.EINVAL, errno.ENOTSUP}


def write_atomically(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path`, replacing what was there, so that it survives a power cut.

    Raises:
        EffsearchError: the file cannot be written (full disk, read-only or missing folder).
    """
    # A file name from a foreign locale can hold lone surrogates, and an error text can quote it.
    write_bytes_atomically(path, text.encode("utf-8", errors="backslashreplace"))


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` as `write_atomically` does.

    Raises:
        EffsearchError: the file cannot be written (full disk, read-only or missing folder).
    """
    temporary = path.parent / f".{path.name}.{secrets.token_hex(6)}.tmp"
    try:
        _write_new(temporary, data)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as problem:
        raise cannot_write(path, problem) from problem
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _write_new(path: Path, data: bytes) -> None:
    # Not tempfile: its files are readable by their owner only, which breaks shared folders.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Make a new or renamed entry of `folder` survive a power cut.

    Raises:
        OSError: the disk failed. A file system that cannot sync folders is let through.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as problem:
        if problem.errno not in _NO_DIRECTORY_SYNC:
            raise
    finally:
        os.close(descriptor)


def cannot_write(path: Path, problem: OSError) -> EffsearchError:
    """The one-line error for a write that the operating system refused."""
    why = problem.strerror or str(problem)
    return EffsearchError(f"cannot write {path}: {why}: make room or choose a writable place")


def write_json(path: Path, document: object) -> None:
    """Write `document` as indented JSON with a trailing newline.

    Raises:
        EffsearchError: the file cannot be written.
        ValueError: the document holds NaN or an infinity, which JSON does not have.
    """
    write_atomically(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def read_json_object(path: Path, cure: str = "restore it from a copy") -> dict[str, object]:
    """Read a JSON file whose top level is an object.

    Args:
        cure: what to do about a file that is none.

    Raises:
        InputError: the file is missing, unreadable, no JSON (NaN included) or no object.
    """
    refuse_endless(path, "file")
    try:
        document = json.loads(
            path.read_bytes(), parse_constant=refuse_constant, parse_float=finite_float
        )
    except OSError as problem:
        raise InputError(f"cannot read {path}: {problem.strerror or problem}") from problem
    except RecursionError:
        raise InputError(f"{path} is nested too deeply: {cure}") from None
    except ValueError as problem:
        raise InputError(f"{path} is not valid JSON ({problem}): {cure}") from None
    if not isinstance(document, dict):
        raise InputError(f"{path} holds no JSON object: {cure}")
    return document


def refuse_constant(name: str) -> float:
    """For `parse_constant` of a JSON decoder: NaN and infinities are not JSON.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{name} is not JSON")


def finite_float(text: str) -> float:
    """For `parse_float` of a JSON decoder: 1e999 would be read as an infinity, unlike any we wrote.

    Raises:
        ValueError: the number is too large.
    """
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large a number")
    return value

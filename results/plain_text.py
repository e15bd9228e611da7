"""Text for a terminal without the control characters that names from foreign files can hold.

Whatever is printed while a command runs passes here, on stdout and on stderr. What draws with
control characters of its own, such as a progress bar, writes to `terminal(stream)`.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def escape_controls(text: str) -> str:
    r"""The text with what moves, colours or renames a terminal as it is written in Python.

    Line ends and tabs stay.

    Example:
        >>> escape_controls("\x1b[31mred")
        '\\x1b[31mred'
    """
    if text.isascii():
        return _CONTROL.sub(lambda found: _spelled(found.group()), text)
    return "".join(
        sign if sign in "\n\t" or sign.isprintable() else _spelled(sign) for sign in text
    )


def _spelled(sign: str) -> str:
    return sign.encode("unicode_escape").decode()


class PlainStream:
    """A text stream through which no control character goes; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self.unescaped = stream

    def write(self, text: str) -> int:
        """Write the text with its control characters spelled out."""
        return self.unescaped.write(escape_controls(text))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines likewise."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unescaped, name)


def terminal(stream: TextIO) -> TextIO:
    """What a stream writes to, for what may send control characters."""
    return cast(TextIO, getattr(stream, "unescaped", stream))


@contextmanager
def plain_streams() -> Iterator[None]:
    """Within the block all that is printed is free of control characters."""
    before = sys.stdout, sys.stderr
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, PlainStream):
            setattr(sys, name, PlainStream(stream))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before

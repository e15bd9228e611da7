"""Files that a user names, read as text or YAML: what is none of these is told in one line."""

import os
from pathlib import Path
from typing import Any

from effsearch.search_spaces.errors import InputError


def read_text_file(path: Path, what: str) -> str:
    """The text of a file in UTF-8.

    Pipes and devices are refused: reading them waits for ever, or never ends.

    Args:
        what: kind of file, for error messages.

    Raises:
        InputError: there is none, it cannot be read, or it is not text.
    """
    refuse_endless(path, what)
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{what} '{path}' cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{what} '{path}' cannot be read: it is not UTF-8 text") from None


def refuse_endless(path: Path, what: str) -> None:
    """Raise an InputError where a path is there and is neither a file nor a folder."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise InputError(f"{what} '{path}' cannot be read: it is not a regular file")


def parse_yaml(text: str, what: str) -> Any:
    """The document of a YAML text, of plain data alone.

    Args:
        what: what the text is called in the error.

    Raises:
        InputError: it is not valid, or nested too deeply to be read.
    """
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = "" if mark is None else f", line {mark.line + 1}"
        raise InputError(f"{what} is not valid YAML{place}") from None
    except RecursionError:
        raise InputError(f"{what} is nested too deeply") from None
    except ValueError as error:  # a date that is none, a number of thousands of digits
        raise InputError(f"{what} is not valid YAML: {error}") from None

"""Objects of Python in place of an option's text.

What is plain data (a network, a space) is kept as that data, so a run that was given one resumes
from anywhere. What is code or a data set is kept as `python:NAME`, which stands for the object in
records, messages and comparisons; such a run resumes from Python, with the same object.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from effsearch.search_spaces.errors import InputError

PREFIX = "python:"


class Given(str):
    """The text of an option whose value is an object: `python:NAME`, with the object behind it.

    Example:
        >>> text = Given.of("accuracy", len)
        >>> text, text.value("abc")
        ('python:accuracy', 3)
    """

    value: Any

    @classmethod
    def of(cls, name: str, value: Any) -> Self:
        """The text that stands for an object under a name, one line."""
        made = cls(PREFIX + " ".join(name.split()))
        made.value = value
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy in another process has its object too, where that can be pickled."""
        return Given.of, (self.removeprefix(PREFIX), self.value)


@dataclass(frozen=True)
class Objects:
    """Objects that an option takes beside text.

    Attributes:
        take: from the option's name and an object to what the configuration keeps: text, plain
            data or a `Given`. Raises an `InputError` for what it does not know.
        types: them, as an annotation; their names are known to `effsearch.keywords`.
    """

    take: Callable[[str, Any], Any]
    types: str


def given_object(option: str, text: object) -> Any | None:
    """The object behind an option's value; None where it is text of its own, or plain data.

    Raises:
        InputError: the text stands for an object that is not here.
    """
    if isinstance(text, Given):
        return text.value
    if isinstance(text, str) and text.startswith(PREFIX):
        raise InputError(
            f"{option} was given from Python ({text.removeprefix(PREFIX)}): go on from there, with "
            f"the same object as {option}=…"
        )
    return None


def name_of(value: object) -> str:
    """What an object is called: its own name, else that of its class."""
    function = getattr(value, "func", value)  # of a functools.partial
    named = getattr(function, "__qualname__", None) or type(value).__qualname__
    return str(named).replace("<locals>.", "")

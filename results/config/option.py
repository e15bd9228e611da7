"""What a field of a configuration says of itself, and what follows from it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from effsearch.results.config.form import Form
from effsearch.results.config.objects import PREFIX, Objects
from effsearch.results.config.values import CHECKS, check_number, check_text, check_whole
from effsearch.search_spaces.errors import InputError, unknown_name

_SPOKEN = {int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True)
class Option:
    """Metadata of a field, in `Annotated[type, Option(...)]`; name, type and default are its own.

    Attributes:
        help: a noun phrase with its stop; a plain default is added in brackets.
        group: title of its part of `--help`.
        default: in words, what holds where the field's default is None.
        form: how a value is written, where it is not plain.
        at_least: lowest number; a whole number is at least 1 where nothing is said.
        example: of a number, for messages.
        flags: on the command line, such as `--samples` and `-n`; from the name where empty.
        metavar: for the value in `--help`.
        may_change: whether `--resume` may give it anew.
        is_path: whether Python takes a path beside text.
        names: what the shell completes, besides the choices of a `Literal`.
        on_line: whether it is an option of the command line, besides a key of YAML and Python.
        merges: whether a mapping is merged key by key, file and flags.
        objects: of Python, and mappings of YAML, that are taken beside text.
    """

    help: str
    group: str = "Run and output"
    default: str = ""
    form: Form | None = None
    at_least: float | None = None
    example: str = ""
    flags: tuple[str, ...] = ()
    metavar: str = ""
    may_change: bool = False
    is_path: bool = False
    names: Callable[[], Iterable[str]] | None = None
    on_line: bool = True
    merges: bool = False
    objects: Objects | None = None


@dataclass(frozen=True)
class Setting:
    """A field with its option.

    Attributes:
        kind: type of the values, besides None and the words; None where there are words alone.
        words: choices of a `Literal`.
    """

    name: str
    option: Option
    default: Any
    kind: Any
    words: tuple[str, ...]
    optional: bool

    @classmethod
    def of(cls, name: str, annotation: Any, default: Any) -> "Setting":
        """From a field: its name, its annotated type, its default."""
        if get_origin(annotation) is not Annotated:
            raise TypeError(f"{name} has no option: Annotated[type, Option(...)]")
        wanted, option = get_args(annotation)[:2]
        members = get_args(wanted) if get_origin(wanted) in (Union, UnionType) else (wanted,)
        words = [word for one in members if get_origin(one) is Literal for word in get_args(one)]
        kinds = [one for one in members if one is not NoneType and get_origin(one) is not Literal]
        kind = kinds[0] if kinds else None
        kind = dict if get_origin(kind) is dict else kind
        return cls(name, option, default, kind, tuple(words), NoneType in members)

    def read(self, given: Any) -> Any:
        """The value of what a file, the command line or Python gave.

        Raises:
            InputError: it is none of this option.
        """
        if given is None and self.optional:
            return None
        if self.option.objects is not None and not isinstance(given, str):
            return self.option.objects.take(self.name, given)
        value = self.option.form.read(self.name, given) if self.option.form else given
        if isinstance(value, str) and self.words:
            if value in self.words or value.startswith(PREFIX):
                return value
            value = self._number(value)
        self._check(value)
        return value

    def _number(self, text: str) -> Any:
        """The number that a text spells, where the option takes numbers beside its words."""
        try:
            return self.kind(text) if self.kind in (int, float) else text
        except ValueError:
            return text

    def _check(self, value: Any) -> None:
        if self.words and self.kind is None:
            check_text(self.name, value)
            raise unknown_name(self.name, value, self.words)
        if self.words and isinstance(value, str):
            least = self.option.at_least
            bound = "" if least is None else f" of at least {least:g}"
            wanted = f"{_SPOKEN[self.kind]}{bound} or {' or '.join(self.words)}"
            raise InputError(f"{self.name} must be {wanted}, not '{value}'")
        lowest = self.option.at_least
        if self.kind is int:
            check_whole(self.name, value, 1 if lowest is None else lowest)
        elif self.kind is float:
            check_number(self.name, value, lowest, self.option.example)
        elif self.kind in CHECKS:
            CHECKS[self.kind](self.name, value)

"""What a run found, as frozen data that is written to and read from `<kind>.json`."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Self

from effsearch.search_spaces.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer of a run; its children say which fields their kind has, in the file's order."""

    def to_dict(self) -> dict[str, Any]:
        """As it is written: plain data by field."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """As it was written, by this version or an earlier one; keys not known here are left out.

        Raises:
            InputError: a key is missing that every version has written.
        """
        for field in fields(cls):
            if field.default is MISSING and field.name not in document:
                raise InputError(
                    f"the answer has no '{field.name}': restore it from a copy, or run it again"
                )
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in document.items() if name in known})

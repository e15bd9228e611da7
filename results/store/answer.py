"""What a run found, as frozen data that is written to and read from `<kind>.json`."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer of a run; its children say which fields their kind has, in the file's order."""

    def to_dict(self) -> dict[str, Any]:
        """As it is written: plain data by field."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """As it was written, by this version or an earlier one.

        Keys not known here are left out; what another version did not write is the field's
        default, or None.
        """
        known = {field.name for field in fields(cls)}
        defaults = {
            field.name: None
            for field in fields(cls)
            if field.default is MISSING and field.default_factory is MISSING
        }
        return cls(**defaults | {name: document[name] for name in document if name in known})

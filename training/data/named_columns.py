"""Which columns of a table of images the user names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of a table's columns that the user gives; None where the table is to tell.

    Attributes:
        image: of the images.
        label: of their classes.
    """

    image: str | None = None
    label: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Those that are named, as a record keeps them."""
        named = {"image_column": self.image, "label_column": self.label}
        return {key: name for key, name in named.items() if name is not None}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Columns":
        """From what `to_dict` gave, among other keys."""
        return cls(image=record.get("image_column"), label=record.get("label_column"))


ANY_COLUMNS = Columns()

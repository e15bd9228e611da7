"""What people call the parts of a dataset, as folders, files and splits, in any case."""

import re
from collections.abc import Mapping

PARTS: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("validation", "val", "valid", "dev"),
}
"""The names of each part, the usual one first."""

_PART_OF = {name: part for part, names in PARTS.items() for name in names}


def part_of(name: str) -> str | None:
    """The part that is called so, `train`, `test` or `validation`; None where it is none."""
    return _PART_OF.get(name.casefold())


def part_in(name: str) -> str | None:
    """The part whose name is a word of this one, as in `seg_train` or `test-00000-of-00001`."""
    words = re.findall(r"[a-z]+", name.casefold())
    return next((part for word in words if (part := part_of(word))), None)

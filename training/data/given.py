"""Data as an option takes it from Python: what it is called, and that it may be data at all."""

import os
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from effsearch.results.config import Given, Objects, name_of
from effsearch.search_spaces.errors import InputError


class MapDataset(Protocol):
    """Items by number, pairs of a picture and its class: torch's and Hugging Face's datasets."""

    def __len__(self) -> int:
        """How many items there are."""

    def __getitem__(self, place: int, /) -> Any:
        """One item."""


LabelledImages: TypeAlias = MapDataset | tuple[Any, Any] | Mapping[str, Any]
"""A dataset, images and labels, or a mapping of parts; see `training.data.objects`."""


def take_data(name: str, value: Any) -> str:
    """Data that is no text: a path, arrays, a dataset, or a mapping of parts.

    Raises:
        InputError: it can be none of these.
    """
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    if isinstance(value, tuple | list) and len(value) == 2:
        return Given.of("arrays", value)
    if isinstance(value, bool | int | float | bytes | type) or callable(value):
        raise InputError(
            f"{name} must be text, a dataset, (images, labels), or a mapping of parts, not "
            f"{value!r}"
        )
    if isinstance(value, dict):
        parts = {key: part for key, part in value.items() if key != "transform"}
        first = next(iter(parts.values()), None)
        return Given.of(str(take_data(name, first)).removeprefix("python:"), value)
    info = getattr(value, "info", None)  # Hugging Face's know what they are called
    return Given.of(getattr(info, "dataset_name", None) or name_of(type(value)), value)


DATA = Objects(take_data, "LabelledImages")

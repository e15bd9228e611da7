"""Which column of a table holds the images, and which their classes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.named_columns import Columns

_IMAGES = ("image", "img", "picture", "photo", "images")
_IMAGE_TEXTS = (
    *("image_path", "image_file", "file_name", "filename", "filepath", "path", "file"),
    *("image_url", "url", "pixels", "pixel_values"),
)
_LABELS = (
    *("label", "labels", "class", "target", "fine_label", "label_id", "category", "class_id"),
    *("category_id", "class_name", "label_name"),
)


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """What a table says of itself.

    Attributes:
        where: what it is called in messages.
        types: of its columns.
        images: columns that it says hold images.
        class_names: of columns that it says hold classes; empty where it does not name them.
    """

    where: str
    types: Mapping[str, pa.DataType]
    images: tuple[str, ...]
    class_names: Mapping[str, tuple[str, ...]]


def image_column(schema: TableSchema, wanted: Columns) -> str:
    """The column of the images: the one that is named, else what the table says, else by name.

    Raises:
        InputError: there is none.
    """
    if wanted.image is not None:
        return _named(schema, wanted.image)
    by_type = [name for name, kind in schema.types.items() if holds_bytes(kind)]
    known = [name for name in (*_IMAGES, *_IMAGE_TEXTS) if name in schema.types]
    first = _first(
        [name for name in _IMAGES if name in schema.images],
        schema.images,
        [name for name in _IMAGES if name in schema.types],
        by_type,
        known,
    )
    if first is None:
        raise _missing(schema, "image")
    return first


def label_column(schema: TableSchema, wanted: Columns) -> str:
    """The column of the classes; of several that the table says, the one with the most classes.

    Raises:
        InputError: there is none.
    """
    found = find_label_column(schema, wanted)
    if found is None:
        raise _missing(schema, "label")
    return found


def find_label_column(schema: TableSchema, wanted: Columns) -> str | None:
    """As `label_column`; None where there is none.

    Raises:
        InputError: the one that is named is not there.
    """
    if wanted.label is not None:
        return _named(schema, wanted.label)
    stated = sorted(schema.class_names, key=lambda name: -len(schema.class_names[name]))
    by_name = [name for name in _LABELS if name in schema.types]
    return _first([name for name in by_name if name == "label"], stated, by_name)


def holds_bytes(kind: pa.DataType) -> bool:
    """Whether a type is of encoded pictures: bytes, or a struct with bytes."""
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _named(schema: TableSchema, name: str) -> str:
    if name not in schema.types:
        raise InputError(f"{schema.where} has no column '{name}': it has {', '.join(schema.types)}")
    return name


def _missing(schema: TableSchema, kind: str) -> InputError:
    return InputError(
        f"{schema.where} has no {kind} column: it has {', '.join(schema.types)}; name it with "
        f"--{kind}-column"
    )


def _first(*preferences: Iterable[str]) -> str | None:
    return next((name for group in preferences for name in group), None)

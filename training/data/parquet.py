"""Directories of parquet, the parts in files of their own, in the Hugging Face image layout or not.

Label names stand in the schema metadata. Labels are read first, pictures one row group at a time,
so that a sample of a large dataset needs little memory.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.cells import CellKind, cell_kind, find_file, read_cell
from effsearch.training.data.columns import (
    TableSchema,
    find_label_column,
    image_column,
    label_column,
)
from effsearch.training.data.image_folder import FilePictures
from effsearch.training.data.images import HeldOut, ImageListing, Picture, Pictures
from effsearch.training.data.labels import (
    Labels,
    distinct_names,
    is_unlabelled,
    number_labels,
    plain_labels,
)
from effsearch.training.data.named_columns import Columns
from effsearch.training.data.parquet_layout import ParquetLayout

# Cells that tell how a column holds its pictures.
_EXAMPLES = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class ParquetPictures:
    """Pictures in rows of files; read one row group at a time, so for ascending indices.

    Attributes:
        starts: number of each file's first row, and of the row behind the last.
        kind: how the column holds pictures.
    """

    files: Sequence[Path]
    starts: Sequence[int]
    column: str
    kind: CellKind = "bytes"

    def __call__(self, indices: Sequence[int]) -> Iterator[tuple[str, Picture]]:
        """The pictures with these indices, counted through all files."""
        wanted = np.asarray(indices, dtype=np.int64)
        for file, first, last in zip(self.files, self.starts[:-1], self.starts[1:], strict=True):
            rows = wanted[(wanted >= first) & (wanted < last)] - first
            for row, value in _cells(file, self.column, rows):
                yield _place(file, row), read_cell(self.kind, value, _folders(file))

    def place(self, index: int) -> str:
        """What a picture is called in error messages."""
        number = bisect_right(self.starts, index) - 1
        return _place(self.files[number], index - self.starts[number])


def list_training_parquet(name: str, layout: ParquetLayout, columns: Columns) -> ImageListing:
    """The rows of the training part's files; no other file is opened.

    Shards may number their classes in orders of their own: they are merged by name.

    Raises:
        InputError: no training part, a file that cannot be read, no image or label column, images
            in none of the ways that are read, or a row without a usable label.
    """
    files = layout.files.get("train", [])
    if not files:
        there = [file.name for some in layout.files.values() for file in some]
        there += [file.name for file in layout.others]
        raise InputError(
            f"{layout.folder} has no train part: no train*.parquet in it, but "
            f"{', '.join(there[:3])}{', …' if len(there) > 3 else ''}"
        )
    schemas = [_schema(file) for file in files]
    label = label_column(schemas[0], columns)
    values = [
        plain_labels(str(file), label, _read_column(schema, file, label))
        for file, schema in zip(files, schemas, strict=True)
    ]
    stated = [schema.class_names.get(label, ()) for schema in schemas]
    class_names = tuple(dict.fromkeys(one for names in stated for one in names))
    notices = layout.notices
    if not class_names:
        class_names, lines = distinct_names(values)
        notices += lines
    return _listing(name, files, schemas, columns, values, stated, class_names, notices)


def list_held_out_parquet(name: str, layout: ParquetLayout, columns: Columns) -> HeldOut:
    """The rows of the test and of the validation part, in this order; one alone is the test.

    Labelled by the training part's names. A part without rows or labels is none.

    Raises:
        InputError: as :func:`list_training_parquet`.
    """
    held_back = [part for part in ("test", "validation") if part in layout.files]
    if not held_back:
        return HeldOut(parts=())
    class_names = list_training_parquet(name, layout, columns).class_names
    listings, notices = [], []
    for part in held_back:
        found = _list_held_out(name, layout.files[part], columns, class_names)
        if isinstance(found, ImageListing):
            listings.append(found)
        else:
            notices.append(f"the {part} part, {layout.files[part][0]}, {found}: continuing without")
    return HeldOut(parts=tuple(listings), notices=tuple(notices))


def _list_held_out(
    name: str, files: Sequence[Path], columns: Columns, class_names: tuple[str, ...]
) -> ImageListing | str:
    """The part, or what it lacks to be one."""
    schemas = [_schema(file) for file in files]
    label = find_label_column(schemas[0], columns)
    if label is None:
        return "has no label column"
    raw = [_read_column(schema, file, label) for file, schema in zip(files, schemas, strict=True)]
    if not any(map(len, raw)):
        return "has no rows"
    if all(map(is_unlabelled, raw)):
        return "has no labels"
    values = [plain_labels(str(file), label, some) for file, some in zip(files, raw, strict=True)]
    stated = [schema.class_names.get(label, ()) for schema in schemas]
    return _listing(name, files, schemas, columns, values, stated, class_names, ())


def _listing(
    name: str,
    files: Sequence[Path],
    schemas: Sequence[TableSchema],
    columns: Columns,
    values: Sequence[pa.Array],
    stated: Sequence[tuple[str, ...]],
    class_names: tuple[str, ...],
    notices: tuple[str, ...],
) -> ImageListing:
    numbered = [
        number_labels(str(file), value, class_names, own or None)
        for file, value, own in zip(files, values, stated, strict=True)
    ]
    starts = np.cumsum([0, *(len(part) for part in numbered)]).tolist()
    pictures = _pictures(files, schemas[0], image_column(schemas[0], columns), starts)
    return ImageListing(
        name=name,
        labels=torch.from_numpy(np.concatenate(numbered)),
        class_names=class_names,
        pictures=pictures,
        ascending=isinstance(pictures, ParquetPictures),
        notices=notices,
    )


def _pictures(
    files: Sequence[Path], schema: TableSchema, column: str, starts: Sequence[int]
) -> Pictures:
    examples = _examples(files[0], column)
    kind = cell_kind(schema.where, column, schema.types[column], examples, _folders(files[0]))
    if kind != "paths":
        return ParquetPictures(files=files, starts=starts, column=column, kind=kind)
    named = []
    for file in files:
        for row, text in enumerate(_read_column(_schema(file), file, column).to_pylist()):
            try:
                named.append(find_file(str(text), _folders(file)))
            except ValueError as error:
                raise InputError(f"row {row} of {file}: {error}") from None
    return FilePictures(named)


def _folders(file: Path) -> tuple[Path, Path]:
    """Where files that a table names may lie: beside it, or beside its folder `data` or `train`."""
    return file.parent, file.parent.parent


def _examples(file: Path, column: str) -> list[Any]:
    with _reading(file):
        for batch in _open(file).iter_batches(batch_size=_EXAMPLES, columns=[column]):
            found = [value for value in batch.column(0).to_pylist() if value is not None]
            if found:
                return found
    return []


def _schema(file: Path) -> TableSchema:
    schema = _open(file).schema_arrow
    features = _features(schema.metadata or {})
    return TableSchema(
        where=str(file),
        types={field.name: field.type for field in schema},
        images=tuple(n for n in schema.names if features.get(n, {}).get("_type") == "Image"),
        class_names={
            name: tuple(map(str, features[name].get("names") or ()))
            for name in schema.names
            if features.get(name, {}).get("_type") == "ClassLabel"
        },
    )


def _features(metadata: Mapping[bytes, bytes]) -> dict[str, dict[str, Any]]:
    """The Hugging Face feature table; empty where there is none or it cannot be read."""
    try:
        found = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, dict)}


def _read_column(schema: TableSchema, file: Path, column: str) -> pa.Array:
    if column not in schema.types:
        raise InputError(f"{file} has no column '{column}', which the first file has")
    with _reading(file):
        return _open(file).read(columns=[column]).column(0).combine_chunks()


def _cells(file: Path, column: str, rows: Labels) -> Iterator[tuple[int, Any]]:
    """Rows, ascending, and what they hold, one row group after the other."""
    if not rows.size:
        return
    parquet = _open(file)
    start = 0
    for group in range(parquet.num_row_groups):
        end = start + parquet.metadata.row_group(group).num_rows
        here = rows[(rows >= start) & (rows < end)]
        if here.size:
            with _reading(file):
                cells = parquet.read_row_group(group, columns=[column]).column(0).combine_chunks()
            for row in here.tolist():
                yield row, cells[row - start].as_py()
        start = end


def _place(file: Path, row: int) -> str:
    return f"in row {row} of {file}"


def _open(file: Path) -> Any:
    with _reading(file):
        return pq.ParquetFile(file)


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Name the file in whatever pyarrow finds wrong with it."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot read {file} as parquet: {error}") from error

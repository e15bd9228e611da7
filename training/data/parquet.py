"""Directories of train*.parquet and test*.parquet in the Hugging Face image layout.

Images are a struct {bytes, path}; label names stand in the schema metadata. Labels are read first,
pictures one row group at a time, so that a sample of a large dataset needs little memory.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.images import HeldOut, ImageListing, Picture
from effsearch.training.data.labels import Labels, distinct_names, is_unlabelled, number_labels

VALIDATION_PREFIXES = ("validation", "val")


@dataclass(frozen=True, kw_only=True)
class _Columns:
    image: str
    label: str
    class_names: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class ParquetPictures:
    """Pictures in rows of files; read one row group at a time, so for ascending indices."""

    files: Sequence[Path]
    starts: Sequence[int]
    column: str

    def __call__(self, indices: Sequence[int]) -> Iterator[tuple[str, Picture]]:
        """The pictures with these indices, counted through all files."""
        wanted = np.asarray(indices, dtype=np.int64)
        for file, first, last in zip(self.files, self.starts[:-1], self.starts[1:], strict=True):
            rows = wanted[(wanted >= first) & (wanted < last)] - first
            yield from _file_pictures(file, self.column, rows)

    def place(self, index: int) -> str:
        """What a picture is called in error messages."""
        number = bisect_right(self.starts, index) - 1
        return _place(self.files[number], index - self.starts[number])


def list_training_parquet(root: Path) -> ImageListing:
    """The rows of train*.parquet; no other file is opened.

    Raises:
        InputError: no train*.parquet, a file that cannot be read, no image or label column,
            or a row without a usable label.
    """
    files = _part_files(root, ("train",))
    if not files:
        raise InputError(f"{root} has no train part: no train*.parquet in it")
    listing = _list_files(root.name, files, names=None)
    assert listing is not None
    return listing


def list_held_out_parquet(root: Path) -> HeldOut:
    """The rows of test*.parquet and of validation*.parquet, in this order; one alone is the test.

    Labelled by the training part's names. A part without labels (all −1) is none.

    Raises:
        InputError: as :func:`list_training_parquet`.
    """
    files = [_part_files(root, prefixes) for prefixes in (("test",), VALIDATION_PREFIXES)]
    if not any(files):
        return HeldOut(parts=())
    names = list_training_parquet(root).class_names
    listed = [_list_files(root.name, some, names=names) for some in files if some]
    return HeldOut(parts=tuple(listing for listing in listed if listing is not None))


def _part_files(root: Path, prefixes: Sequence[str]) -> list[Path]:
    for prefix in prefixes:
        for folder in (root, root / "data"):
            files = sorted(folder.glob(f"{prefix}*.parquet"))
            if files:
                return files
    return []


def _list_files(
    name: str, files: Sequence[Path], names: tuple[str, ...] | None
) -> ImageListing | None:
    """A part's rows; None for a held-back part (whose names are given) without any label."""
    columns = _find_columns(files[0])
    values = [_label_values(file, columns.label) for file in files]
    if names is not None and all(is_unlabelled(part) for part in values):
        return None
    class_names = names or columns.class_names or distinct_names(values)
    numbered = [
        number_labels(str(file), value, class_names, _find_columns(file).class_names)
        for file, value in zip(files, values, strict=True)
    ]
    return ImageListing(
        name=name,
        labels=torch.from_numpy(np.concatenate(numbered)),
        class_names=class_names,
        pictures=ParquetPictures(
            files=files,
            starts=np.cumsum([0, *(len(part) for part in numbered)]).tolist(),
            column=columns.image,
        ),
        ascending=True,
    )


def _find_columns(file: Path) -> _Columns:
    schema = _open(file).schema_arrow
    features = _features(schema.metadata or {})
    image = _first(
        schema.names,
        ["image", "img"],
        [key for key, feature in features.items() if feature.get("_type") == "Image"],
        [field.name for field in schema if _holds_bytes(field.type)],
    )
    if image is None:
        raise InputError(f"{file} has no image column: it has {', '.join(schema.names)}")
    label = _first(
        schema.names,
        ["label"],
        [key for key, feature in features.items() if feature.get("_type") == "ClassLabel"],
        ["labels", "class", "target"],
    )
    if label is None:
        raise InputError(f"{file} has no label column: it has {', '.join(schema.names)}")
    names = features.get(label, {}).get("names")
    return _Columns(image=image, label=label, class_names=tuple(map(str, names)) if names else None)


def _features(metadata: Mapping[bytes, bytes]) -> dict[str, dict[str, Any]]:
    """The Hugging Face feature table; empty where there is none or it cannot be read."""
    try:
        found = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, dict)}


def _first(names: Sequence[str], *preferences: Sequence[str]) -> str | None:
    return next((c for group in preferences for c in group if c in names), None)


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _label_values(file: Path, column: str) -> pa.Array:
    parquet = _open(file)
    if column not in parquet.schema_arrow.names:
        raise InputError(f"{file} has no label column '{column}', which the first file has")
    with _reading(file):
        values = parquet.read(columns=[column]).column(0).combine_chunks()
    if values.null_count:
        row = values.is_null().to_pylist().index(True)
        raise InputError(f"row {row} of {file} has no label")
    return values


def _file_pictures(file: Path, column: str, rows: Labels) -> Iterator[tuple[str, Picture]]:
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
            if pa.types.is_struct(cells.type):
                cells = cells.field("bytes")
            for row in here.tolist():
                encoded = cells[row - start].as_py()
                yield _place(file, row), BytesIO(encoded) if encoded else None
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

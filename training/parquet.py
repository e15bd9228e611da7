"""Directories of train*.parquet and test*.parquet in the Hugging Face image layout.

Images are a struct {bytes, path}; label names stand in the schema metadata. Labels are read first,
pictures one row group at a time, so that a sample of a large dataset needs little memory.
"""

import json
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

from search_spaces.errors import InputError
from training.images import ImageListing, Picture

TEST_PREFIXES = ("test", "validation", "val")


@dataclass(frozen=True, kw_only=True)
class _Columns:
    image: str
    label: str
    class_names: tuple[str, ...] | None


def list_training_parquet(root: Path) -> ImageListing:
    """The rows of train*.parquet; no other file is opened.

    Raises:
        InputError: no train*.parquet, a file that cannot be read, no image or label column,
            or a row without a usable label.
    """
    files = _part_files(root, ("train",))
    if not files:
        raise InputError(f"{root} has no train part: no train*.parquet in it")
    return _list_files(root.name, files, names=None)


def list_test_parquet(root: Path) -> ImageListing:
    """The rows of test*.parquet (else validation*.parquet), labelled by the training part's names.

    Raises:
        InputError: no such file, and as :func:`list_training_parquet`.
    """
    files = _part_files(root, TEST_PREFIXES)
    if not files:
        raise InputError(f"{root} has no test part: no test*.parquet in it")
    return _list_files(root.name, files, names=list_training_parquet(root).class_names)


def _part_files(root: Path, prefixes: Sequence[str]) -> list[Path]:
    for prefix in prefixes:
        for folder in (root, root / "data"):
            files = sorted(folder.glob(f"{prefix}*.parquet"))
            if files:
                return files
    return []


def _list_files(name: str, files: Sequence[Path], names: tuple[str, ...] | None) -> ImageListing:
    columns = _find_columns(files[0])
    values = [_label_values(file, columns.label) for file in files]
    class_names = names or columns.class_names or _distinct_names(values)
    numbered = [
        _numbered(file, value, class_names) for file, value in zip(files, values, strict=True)
    ]
    starts = np.cumsum([0, *(len(part) for part in numbered)])

    def pictures(indices: Sequence[int]) -> Iterator[tuple[str, Picture]]:
        wanted = np.asarray(indices, dtype=np.int64)
        for file, first, last in zip(files, starts[:-1], starts[1:], strict=True):
            rows = wanted[(wanted >= first) & (wanted < last)] - first
            yield from _file_pictures(file, columns.image, rows)

    return ImageListing(
        name=name,
        labels=torch.from_numpy(np.concatenate(numbered)),
        class_names=class_names,
        pictures=pictures,
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


def _distinct_names(values: Sequence[pa.Array]) -> tuple[str, ...]:
    """Class names where the file states none: the labels themselves, in order."""
    if all(pa.types.is_integer(part.type) for part in values):
        highest = max((int(np.asarray(part).max()) for part in values if len(part)), default=-1)
        return tuple(str(label) for label in range(highest + 1))
    return tuple(sorted({str(label) for part in values for label in part.to_pylist()}))


def _numbered(file: Path, values: pa.Array, class_names: Sequence[str]) -> np.ndarray[Any, Any]:
    if pa.types.is_integer(values.type):
        labels = np.asarray(values).astype(np.int64)
    else:
        number = {name: label for label, name in enumerate(class_names)}
        labels = np.array([number.get(str(v), -1) for v in values.to_pylist()], dtype=np.int64)
    outside = np.flatnonzero((labels < 0) | (labels >= len(class_names)))
    if outside.size:
        row = int(outside[0])
        raise InputError(
            f"row {row} of {file} has the label {values[row]}, outside the {len(class_names)} "
            "classes of the training part"
        )
    return labels


def _file_pictures(
    file: Path, column: str, rows: np.ndarray[Any, Any]
) -> Iterator[tuple[str, Picture]]:
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
                if not encoded:
                    raise InputError(f"row {row} of {file} holds no image bytes")
                yield f"in row {row} of {file}", BytesIO(encoded)
        start = end


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

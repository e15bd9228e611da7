"""A table's cells to pictures: encoded bytes, names of files, base64 text, or lists of pixels."""

import base64
import binascii
import os
import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
from PIL import Image

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.columns import holds_bytes
from effsearch.training.data.images import Picture, Unreadable

CellKind: TypeAlias = Literal["bytes", "paths", "base64", "pixels"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DATA_URL = re.compile(r"data:[\w/+.-]*;base64,")
# Text of which so much is base64 of a picture is no file's name.
_LONGEST_PATH = 4096


def cell_kind(
    where: str, column: str, kind: pa.DataType, examples: Sequence[Any], folders: Sequence[Path]
) -> CellKind:
    """How a column holds its pictures.

    Args:
        where: what the table is called in messages.
        examples: a few of its cells, None left out.
        folders: where files that it names may lie.

    Raises:
        InputError: it holds none that can be read.
    """
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    named = f"column '{column}' of {where}"
    if holds_bytes(kind):
        return "bytes"
    if pa.types.is_struct(kind) and any(field.name == "path" for field in kind):
        return "bytes"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text_kind(named, [str(text) for text in examples], folders)
    if _is_list(kind):
        depth = 0
        while _is_list(kind):
            kind, depth = kind.value_type, depth + 1
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            return "pixels"
        raise InputError(f"{named} holds lists of {kind}: one image a row is read")
    raise InputError(f"{named} holds {kind}, not images: name another one with --image-column")


def read_cell(kind: CellKind, value: Any, folders: Sequence[Path]) -> Picture:
    """The picture of a cell; what cannot be one is an `Unreadable`, which says why.

    Args:
        folders: where files that are named may lie.
    """
    if value is None:
        return None
    try:
        if kind == "bytes":
            return _from_bytes(value, folders)
        if kind == "paths":
            return find_file(str(value), folders)
        if kind == "base64":
            return BytesIO(_decoded(str(value)))
        return picture_of_pixels(value)
    except (ValueError, TypeError) as error:
        return Unreadable(str(error))


def find_file(text: str, folders: Sequence[Path]) -> Path:
    """The file that is named, in the first folder that has it; else as it would be in the first.

    Raises:
        ValueError: it is a URL.
    """
    if _URL.match(text):
        raise ValueError(f"'{text[:80]}' is a URL, and nothing is downloaded")
    paths = [folder / text for folder in folders]  # an absolute one stays as it is
    return next((path for path in paths if os.path.isfile(path)), paths[0])


def picture_of_pixels(value: Any) -> Image.Image:
    """Rows of grey levels or of colours (channels last or first), or one row of a grey square.

    Raises:
        ValueError: the numbers make no picture.
    """
    try:
        pixels = np.asarray(value)
    except ValueError:
        pixels = np.empty(0, dtype=object)
    if pixels.dtype.kind not in "uifb" or not pixels.size:
        raise ValueError("lists of differing lengths, or empty ones")
    if pixels.ndim == 1:
        side = int(len(pixels) ** 0.5)
        if side * side != len(pixels):
            raise ValueError(f"a flat list of {len(pixels)} levels, which is not a grey square")
        pixels = pixels.reshape(side, side)
    if pixels.ndim == 3:
        pixels = _channels_last(pixels)
    if pixels.ndim == 2:
        return _grey(pixels)
    if pixels.ndim != 3:
        raise ValueError(f"lists {pixels.ndim} deep, and a picture has rows, columns and channels")
    if pixels.dtype.kind == "f" and pixels.max() <= 1:
        pixels = pixels * 255
    if not 0 <= pixels.min() <= pixels.max() <= 255:
        raise ValueError("colours outside 0 to 255")
    return Image.fromarray(pixels.round().astype(np.uint8))


def _text_kind(named: str, texts: Sequence[str], folders: Sequence[Path]) -> CellKind:
    if not texts:
        return "paths"
    first = texts[0]
    if _DATA_URL.match(first):
        return "base64"
    if _URL.match(first):
        raise InputError(
            f"{named} holds URLs, such as {first[:80]}, and nothing is downloaded: fetch the "
            "images and name the files, or another column with --image-column"
        )
    if len(first) <= _LONGEST_PATH and os.path.isfile(find_file(first, folders)):
        return "paths"
    try:
        Image.open(BytesIO(_decoded(first)))
    except (ValueError, OSError):
        return "paths"
    return "base64"


def _from_bytes(value: Any, folders: Sequence[Path]) -> Picture:
    if isinstance(value, dict):
        if value.get("bytes"):
            return BytesIO(value["bytes"])
        return find_file(value["path"], folders) if value.get("path") else None
    return BytesIO(value) if value else None


def _decoded(text: str) -> bytes:
    match = _DATA_URL.match(text)
    try:
        return base64.b64decode("".join(text[match.end() if match else 0 :].split()), validate=True)
    except binascii.Error:
        raise ValueError("text that is not base64") from None


def _channels_last(pixels: Any) -> Any:
    """(H, W, C), or (H, W) of one channel."""
    if pixels.shape[2] not in (1, 3, 4) and pixels.shape[0] in (1, 3, 4):
        pixels = pixels.transpose(1, 2, 0)
    if pixels.shape[2] not in (1, 3, 4):
        raise ValueError(f"pixels of shape {pixels.shape}, with neither 1, 3 nor 4 channels")
    return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels


def _grey(pixels: Any) -> Image.Image:
    if pixels.dtype.kind == "f":
        return Image.fromarray(pixels.astype(np.float32))
    if pixels.dtype.kind == "b":
        return Image.fromarray(pixels.astype(np.uint8) * 255)
    deep = pixels.min() < 0 or pixels.max() > 255
    return Image.fromarray(pixels.astype(np.int32 if deep else np.uint8))


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )

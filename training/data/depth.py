"""Grey pictures of more than 8 bits, and of floats, to 8: which of their levels is black or white.

A 16-bit file may hold 12 bits, a float file 0..1, 0..255 or anything else, and few say which. A
set is judged as one, so that its dark pictures stay dark; a picture without a set by itself.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

# Full ranges that pictures are stored in; the least one that holds all levels is taken.
_WHOLE = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
_REAL = (1.0, *_WHOLE)
# Of a range of which less than this is used, the levels themselves are the range.
_USED = 0.25
# TIFF's tags for the largest level of whole and of real numbers.
_STATED = (281, 341)


@dataclass(frozen=True, kw_only=True)
class Levels:
    """What is black and what is white; `white` is above `black`."""

    black: float
    white: float

    def __str__(self) -> str:
        return f"{self.black:g} to {self.white:g}"


def is_deep(image: Image.Image) -> bool:
    """Whether a picture holds grey levels beyond 8 bits, or floats."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def own_levels(image: Image.Image) -> Levels:
    """The levels of one deep picture: what its file says, else the range its pixels lie in.

    Raises:
        ValueError: it holds no finite number.
    """
    low, high = _extremes(np.asarray(image))
    black = min(low, 0.0)
    stated = _stated_white(image)
    if stated is not None and stated >= high:
        return Levels(black=black, white=stated)
    ranges = _REAL if image.mode == "F" else _WHOLE
    white = next((top for top in ranges if high <= top), high)
    if high < _USED * white:
        white = high
    return Levels(black=black, white=max(white, black + (1e-6 if image.mode == "F" else 1)))


def common_levels(images: Iterable[Image.Image]) -> Levels | None:
    """The levels of the deep ones of these pictures together; None where none can be read."""
    found = []
    for image in filter(is_deep, images):
        with suppress(Exception):  # a broken one is told of where it is decoded
            found.append(own_levels(image))
    if not found:
        return None
    return Levels(black=min(one.black for one in found), white=max(one.white for one in found))


def to_grey(image: Image.Image, levels: Levels | None = None) -> Image.Image:
    """A deep picture in mode L.

    Args:
        levels: of the set it belongs to. A picture that is brighter than the set was seen to be
            is shown by its own levels, and so is one of 0..1 in a set of 0..255 or more.

    Raises:
        ValueError: it holds no finite number.
    """
    own = own_levels(image)
    shown = own if levels is None or own.white > levels.white else levels
    if image.mode == "F" and own.white <= 1 and shown.white >= 255:
        shown = own
    pixels = np.asarray(image)
    span = shown.white - shown.black
    if image.mode == "F":
        scaled = (pixels - shown.black) * (255 / span)
        grey: npt.NDArray[Any] = np.nan_to_num(scaled, posinf=255, neginf=0).round()
    else:  # the upper 8 of the bits
        grey = (pixels.astype(np.int64) - int(shown.black)) * 256 // (int(span) + 1)
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8))


def _extremes(pixels: npt.NDArray[Any]) -> tuple[float, float]:
    levels = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    if not levels.size:
        raise ValueError("it holds no finite number")
    return float(levels.min()), float(levels.max())


def _stated_white(image: Image.Image) -> float | None:
    tags = getattr(image, "tag_v2", None) or {}
    for tag in _STATED:
        value = tags.get(tag)
        value = value[0] if isinstance(value, tuple) and value else value
        if isinstance(value, int | float) and value > 0:
            return float(value)
    return None

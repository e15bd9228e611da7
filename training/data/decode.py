"""Pictures to uint8 RGB arrays with Pillow: any mode, any size, several threads.

Pillow releases the interpreter lock while it decodes and resizes, so threads are enough.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from math import ceil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.depth import Levels, is_deep, to_grey
from effsearch.training.data.images import Picture, Unreadable
from effsearch.training.data.upright import (
    Box,
    orientation_of,
    stored_box,
    turned,
    upright_size,
)

Pixels = npt.NDArray[np.uint8]

# Below this many pixels Pillow's decoding is mostly Python, and threads only wait for each other:
# 50,000 images of 32×32 take 3.5 s with one thread and 6 s with two.
PIXELS_WORTH_THREADS = 96 * 96
# Pictures a task decodes: large enough that handing out tasks costs nothing, small enough that
# the tasks in flight hold few undecoded files.
PICTURES_PER_TASK = 64
# Of 8 bits: below it, 12 bits or fewer lie in 16.
_SHALLOW = 16


class _OtherSizeError(InputError):
    """A sound picture, but not of the size that all have to be of."""


def decode_pictures(
    pictures: Iterable[tuple[str, Picture]],
    count: int,
    resolution: int | None,
    threads: int | None = None,
    on_bad: Callable[[int, InputError], None] | None = None,
    levels: Levels | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Decode ``count`` pictures to one uint8 tensor (count, 3, R, R), RGB, stored channels-last.

    Args:
        pictures: pairs of a place for error messages and the picture.
        resolution: side R in pixels; None keeps the pictures' own size, which must then be one
            and the same square.
        threads: decoding threads; None takes one a core, at most 8, and one for tiny pictures.
        on_bad: told the place and error of each picture that cannot be read, which stays black;
            None raises the first such error. Called from the decoding threads.
        levels: of deep pictures; None judges each by itself.
        on_progress: told now and then how many are decoded, of how many.

    Raises:
        InputError: a picture cannot be read (named), or sizes differ and no resolution was given.
    """
    stream = iter(pictures)
    head = list(islice(stream, 1))
    width, height = _first_size(head, on_bad is None)
    side = resolution or min(width, height)
    pixels = np.zeros((count, side, side, 3), dtype=np.uint8)
    worth = width * height >= PIXELS_WORTH_THREADS
    workers = threads or (min(8, os.cpu_count() or 1) if worth else 1)

    def decode_task(start: int, task: list[tuple[str, Picture]]) -> None:
        for offset, (where, picture) in enumerate(task):
            try:
                exact = resolution is None
                pixels[start + offset] = _decode(where, picture, side, levels, exact=exact)
            except InputError as error:
                if on_bad is None or isinstance(error, _OtherSizeError):
                    raise
                on_bad(start + offset, error)

    with ThreadPoolExecutor(workers) as pool:
        pending: list[Future[None]] = []
        start = 0
        try:
            for task in _tasks(head, stream):
                pending.append(pool.submit(decode_task, start, task))
                start += len(task)
                if len(pending) >= 4 * workers:
                    pending.pop(0).result()
                    if on_progress is not None:
                        on_progress(start - 4 * workers * PICTURES_PER_TASK, count)
            for future in pending:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def largest_readable_side(pictures: Iterable[tuple[str, Picture]]) -> int:
    """The largest of the pictures' shorter sides, in pixels, without decoding them; at least 1.

    Those that cannot be read are passed over.
    """
    sides = [1]
    for where, picture in pictures:
        with suppress(InputError):
            sides.append(min(_size(where, picture)))
    return max(sides)


def readable_images(pictures: Iterable[tuple[str, Picture]]) -> Iterator[Image.Image]:
    """Those of the pictures that can be opened, their pixels not decoded yet."""
    for where, picture in pictures:
        with suppress(InputError):
            yield open_picture(where, picture).image


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenedPicture:
    """A picture whose pixels are not decoded yet.

    Attributes:
        image: as it is stored.
        orientation: how it is to be turned, 1 to 8 (see `upright`).
    """

    image: Image.Image
    orientation: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as a viewer shows it."""
        return upright_size(self.image.size, self.orientation)


def open_picture(where: str, picture: Picture) -> OpenedPicture:
    """A picture whose size is known and whose pixels are not decoded yet; holds no file open.

    Raises:
        InputError: it cannot be read (named).
    """
    try:
        if isinstance(picture, Path) and picture.is_file():
            picture = BytesIO(picture.read_bytes())
        return _open(picture)
    except Exception as error:
        raise unreadable(where, error) from error


def cut_square(
    where: str, opened: OpenedPicture, box: Box, resolution: int, levels: Levels | None = None
) -> Pixels:
    """Decode a box of a picture and resize it to a square (bilinear with antialias).

    Args:
        box: left, top, right, bottom in pixels of the picture as it is shown.
        levels: of deep pictures; None judges this one by itself.

    Returns:
        uint8 (R, R, 3), RGB.

    Raises:
        InputError: it cannot be decoded (named).
    """
    try:
        image = opened.image
        width, height = image.size
        left, top, right, bottom = stored_box(box, image.size, opened.orientation)
        # JPEG decodes at a half, quarter or eighth of its size where twice the target remains.
        twice = 2 * resolution
        image.draft(
            "RGB", (ceil(width * twice / (right - left)), ceil(height * twice / (bottom - top)))
        )
        across, down = image.size[0] / width, image.size[1] / height
        shown = to_rgb(image, levels)
        if image.size != (resolution, resolution) or box != (0, 0, width, height):
            shown = shown.resize(
                (resolution, resolution),
                Image.Resampling.BILINEAR,
                box=(left * across, top * down, right * across, bottom * down),
            )
        return np.asarray(turned(shown, opened.orientation))
    except Exception as error:
        raise unreadable(where, error) from error


def whole_picture(where: str, picture: Picture, levels: Levels | None = None) -> Image.Image:
    """A picture in RGB at its own size, as a viewer shows it.

    Raises:
        InputError: it cannot be read (named).
    """
    opened = open_picture(where, picture)
    try:
        return turned(to_rgb(opened.image, levels), opened.orientation)
    except Exception as error:
        raise unreadable(where, error) from error


def centre_box(size: tuple[int, int], share: float) -> Box:
    """The centred square that takes ``share`` of the shorter side: left, top, right, bottom."""
    width, height = size
    side = min(size) * share
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def to_rgb(image: Image.Image, levels: Levels | None = None) -> Image.Image:
    """Any Pillow mode to RGB: deep grey is scaled, not clipped; transparency lies on white.

    Args:
        levels: of a deep picture (see `depth`); None takes its own.

    Raises:
        ValueError: colour of 16 bits of which the upper 8, all that Pillow gives, hold nothing.
    """
    if image.mode == "RGB":
        _refuse_shallow(image)
        return image
    if is_deep(image):
        return to_grey(image, levels).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def fit_square(image: Image.Image, resolution: int) -> Image.Image:
    """Resize the shorter side to ``resolution`` and crop the centre (bilinear with antialias).

    Crop and resize are one step, so a picture of 1 × 10,000 pixels costs no more than another.
    """
    if image.size == (resolution, resolution):
        return image
    return image.resize(
        (resolution, resolution), Image.Resampling.BILINEAR, box=centre_box(image.size, 1.0)
    )


def _tasks(
    head: list[tuple[str, Picture]], stream: Iterator[tuple[str, Picture]]
) -> Iterator[list[tuple[str, Picture]]]:
    task = head + list(islice(stream, PICTURES_PER_TASK - len(head)))
    while task:
        yield task
        task = list(islice(stream, PICTURES_PER_TASK))


def _first_size(head: list[tuple[str, Picture]], strict: bool) -> tuple[int, int]:
    """Size of the first picture; an unreadable one is taken for a large one where that may be."""
    try:
        return _size(*head[0]) if head else (1, 1)
    except InputError:
        if strict:
            raise
        return (PIXELS_WORTH_THREADS, 1)


def _size(where: str, picture: Picture) -> tuple[int, int]:
    try:
        return _open(picture).size
    except Exception as error:
        raise unreadable(where, error) from error


def _open(picture: Picture) -> OpenedPicture:
    if picture is None:
        raise ValueError("holds no image bytes")
    if isinstance(picture, Unreadable):
        raise ValueError(picture.reason)
    if isinstance(picture, Path) and not picture.is_file():  # a pipe would be waited for
        raise ValueError(
            "it is not a regular file" if picture.exists() else "there is no such file"
        )
    image = picture if isinstance(picture, Image.Image) else Image.open(picture)
    return OpenedPicture(image=image, orientation=orientation_of(image))


def _refuse_shallow(image: Image.Image) -> None:
    wide = any(";16" in str(tile.args) for tile in getattr(image, "tile", ()))
    if wide and 0 < np.asarray(image).max() < _SHALLOW:
        raise ValueError(
            "colour of 16 bits a channel of which the upper 4 are empty: convert it to 8 bits"
        )


def _decode(
    where: str, picture: Picture, resolution: int, levels: Levels | None, *, exact: bool
) -> Pixels:
    # Broken files make Pillow raise OSError, SyntaxError, ValueError, struct.error and more.
    try:
        opened = _open(picture)
        image = opened.image
        if exact and image.size != (resolution, resolution):
            width, height = image.size
            raise _OtherSizeError(
                f"{where} is {width}×{height} pixels, not {resolution}×{resolution}: "
                "give a resolution to resize and crop all images to"
            )
        # JPEG decodes at a half, quarter or eighth of its size where twice the target remains.
        image.draft("RGB", (2 * resolution, 2 * resolution))
        square = fit_square(to_rgb(image, levels), resolution)
        return np.asarray(turned(square, opened.orientation))
    except InputError:
        raise
    except Exception as error:
        raise unreadable(where, error) from error


def unreadable(where: str, error: Exception) -> InputError:
    """The error for a picture that cannot be read, which says where it lies and why."""
    reason = "not an image" if isinstance(error, UnidentifiedImageError) else str(error)
    return InputError(f"cannot read the image {where} ({reason}): repair or remove it")

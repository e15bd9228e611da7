"""Pictures as a viewer shows them: turned by the orientation that their EXIF data states.

Cameras store what the sensor saw and a tag that says how it was held. Here a box of the shown
picture is found in the stored one, so that a large photograph is not decoded whole to be turned.
"""

from collections.abc import Callable, Mapping

from PIL import ExifTags, Image

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

_TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Where a point (x, y) of the shown picture lies in the stored one of width w and height h.
_STORED: Mapping[int, Callable[[float, float, float, float], tuple[float, float]]] = {
    2: lambda x, y, w, h: (w - x, y),
    3: lambda x, y, w, h: (w - x, h - y),
    4: lambda x, y, w, h: (x, h - y),
    5: lambda x, y, w, h: (y, x),
    6: lambda x, y, w, h: (y, h - x),
    7: lambda x, y, w, h: (w - y, h - x),
    8: lambda x, y, w, h: (w - y, x),
}
# Where Pillow keeps what may hold the tag. A PNG is decoded by looking for more than these.
_SOURCES = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it says nothing.

    Pillow itself turns TIFF, and no other format.
    """
    if image.format == "TIFF" or not _SOURCES & image.info.keys():
        return 1
    try:
        tag = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF data leave the picture as it is stored
        return 1
    return tag if isinstance(tag, int) and tag in _TURNS else 1


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height of the shown picture, from those of the stored one."""
    width, height = size
    return (height, width) if orientation >= 5 else (width, height)


def stored_box(box: Box, size: tuple[int, int], orientation: int) -> Box:
    """Where a box of the shown picture lies in the stored one, whose `size` is given."""
    if orientation == 1:
        return box
    find = _STORED[orientation]
    left, top, right, bottom = box
    one, other = find(left, top, *size), find(right, bottom, *size)
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[0], other[0]),
        max(one[1], other[1]),
    )


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The stored picture, or a box of it, as it is to be shown; nothing asks to turn it again."""
    if orientation == 1:
        return image
    shown = image.transpose(_TURNS[orientation])
    shown.info = {name: value for name, value in shown.info.items() if name not in _SOURCES}
    return shown

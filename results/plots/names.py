"""Names beside the marks of a plot, where none lies on a mark or on another name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from effsearch.results.plots.style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Box = tuple[float, float, float, float]
"""Left, bottom, right, top in pixels of the canvas."""

# Around a mark, nearest first: pixels from it in the axes' two directions, in points.
_AROUND = [
    (reach * dx, reach * dy)
    for reach in (5.5, 9.0, 13.0, 18.0, 24.0, 31.0)
    for dx, dy in ((-1, 1), (1, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (0, 1), (0, -1))
]
_UP_A_LINE = [0.01 + 0.05 * step for step in range(19)]  # parts of the axes' height
_GAP = 1.0  # points between two names
_MOST_MARKS = 400  # of one kind; in a denser crowd no place is free


@dataclass(frozen=True, kw_only=True)
class Name:
    """What is written, and of what.

    Attributes:
        text: the name.
        x: of its mark, in the axes' own numbers; or of its vertical line.
        y: of its mark; None for a vertical line.
        size: of its letters, in points.
        color: of its letters.
    """

    text: str
    x: float
    y: float | None = None
    size: float = 7.0
    color: str = INK


_ASKED: "WeakKeyDictionary[Figure, list[tuple[Axes, Sequence[Name]]]]" = WeakKeyDictionary()


def ask_names(axes: "Axes", names: Sequence[Name]) -> None:
    """Names that are to be written once the figure stands: by then nothing moves any more."""
    figure: Any = axes.figure
    _ASKED.setdefault(figure, []).append((axes, names))


def write_asked(figure: "Figure") -> None:
    """Write the names that were asked for."""
    for axes, names in _ASKED.pop(figure, []):
        write_names(axes, names)


def write_names(axes: "Axes", names: Sequence[Name], mark_points: float = 6.5) -> None:
    """Write each name at the first place near its mark where nothing lies; the rest of the plot,
    and its limits, must stand already.

    Names come in their order, so what matters most goes first. Lines are crossed only where no
    place near is free of them.

    Args:
        axes: whose lines and marks are kept clear.
        names: of marks and of vertical lines.
        mark_points: how wide a mark is.
    """
    figure = axes.figure
    scale = figure.dpi / 72  # pixels to a point
    marks, lines = _drawn(axes)
    taken = [_around(x, y, mark_points * scale / 2) for x, y in marks]
    inside = axes.get_window_extent()
    room: Box = (inside.x0, inside.y0, inside.x1, inside.y1)
    for name in names:
        text = axes.annotate(
            name.text, (name.x, 0 if name.y is None else name.y), fontsize=name.size,
            color=name.color, xytext=(0, 0), textcoords="offset points", va="center",
            xycoords=("data", "axes fraction") if name.y is None else "data",
        )  # fmt: skip
        text.set_in_layout(False)  # a name moves no axes
        extent = text.get_window_extent()
        width, height = extent.width, extent.height
        best: tuple[tuple[int, float, int], Box, tuple[float, float]] | None = None
        for turn, (x, y) in enumerate(_centres(axes, name, scale, width, height)):
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            outside = not _holds(room, box)
            covered = outside + sum(_meet(box, other, _GAP * scale) for other in taken)
            crossed = int(_within(lines, box).sum())
            # A line crossed costs as much as some steps further away, not as any distance, and a
            # place near another's mark would name that one.
            strange = 40 * _is_another_s(axes, name, box, marks, 3 * scale)
            found = ((covered, turn + min(crossed, 12) + strange, turn), box, (x, y))
            if best is None or found[0] < best[0]:
                best = found
        assert best is not None
        _, box, centre = best
        anchor = text.xy[0], _height_of(axes, name)
        origin = axes.transData.transform((anchor[0], anchor[1]))
        if name.y is None:
            origin[1] = room[1]
        text.set_position(tuple((np.array(centre) - origin) / scale))
        text.set_horizontalalignment("center")
        taken.append(box)


def _height_of(axes: "Axes", name: Name) -> float:
    return axes.get_ylim()[0] if name.y is None else name.y


def _centres(
    axes: "Axes", name: Name, scale: float, width: float, height: float
) -> Iterator[tuple[float, float]]:
    """Where the middle of a name may lie, best first."""
    x, y = axes.transData.transform((name.x, _height_of(axes, name)))
    if name.y is None:
        extent = axes.get_window_extent()
        for part in _UP_A_LINE:
            level = extent.y0 + part * extent.height + height / 2
            yield x + 2 * scale + width / 2, level
            yield x - 2 * scale - width / 2, level
        return
    for dx, dy in _AROUND:
        yield (
            x + scale * dx + float(np.sign(dx)) * width / 2,
            y + scale * dy + (float(np.sign(dy)) * height / 2 if dx == 0 else 0.0),
        )


def _is_another_s(
    axes: "Axes", name: Name, box: Box, marks: NDArray[np.float64], margin: float
) -> bool:
    """Whether a place is nearer to some other mark than to the name's own."""
    if name.y is None or not len(marks):
        return False
    own = _distances(axes.transData.transform([(name.x, name.y)]), box)[0]
    return bool(_distances(marks, box).min() < own - margin)


def _distances(points: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    beyond = np.maximum(0, np.maximum(np.array(box[:2]) - points, points - np.array(box[2:])))
    found: NDArray[np.float64] = np.hypot(beyond[:, 0], beyond[:, 1])
    return found


def _drawn(axes: "Axes") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels of the marks, and pixels close together on the lines that join them."""
    marks: list[NDArray[np.float64]] = [np.empty((0, 2))]
    lines: list[NDArray[np.float64]] = [np.empty((0, 2))]
    for line in axes.lines:
        points = line.get_transform().transform(np.column_stack(line.get_data()).astype(float))
        if line.get_marker() not in (None, "None", "", " "):
            marks.append(points)
        if line.get_linestyle() not in ("None", "", " "):
            for one, other in pairwise(points):
                lines.append(one + np.linspace(0, 1, 120)[:, None] * (other - one))
    for collection in axes.collections:
        offsets = np.asarray(collection.get_offsets(), dtype=float)
        if 0 < len(offsets) <= _MOST_MARKS and collection.get_label() != "":
            marks.append(axes.transData.transform(offsets))
    return np.concatenate(marks), np.concatenate(lines)


def _around(x: float, y: float, reach: float) -> Box:
    return (x - reach, y - reach, x + reach, y + reach)


def _meet(one: Box, other: Box, gap: float) -> bool:
    return (
        one[0] < other[2] + gap
        and other[0] < one[2] + gap
        and one[1] < other[3] + gap
        and other[1] < one[3] + gap
    )


def _holds(room: Box, box: Box) -> bool:
    return room[0] <= box[0] and room[1] <= box[1] and box[2] <= room[2] and box[3] <= room[3]


def _within(points: NDArray[np.float64], box: Box) -> NDArray[np.bool_]:
    x, y = points[:, 0], points[:, 1]
    inside: NDArray[np.bool_] = (x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])
    return inside

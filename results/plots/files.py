"""A figure as the bytes of a file: PNG, SVG, or SVG to stand within a page."""

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.results.plots.style import BLUE, FAINT, GREEN, GRID, INK, PAPER, STYLE, styled
from effsearch.results.store.files import write_bytes_atomically
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.errors import EffsearchError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_THEMED = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    GRID: "var(--grid)",
    PAPER: "var(--paper)",
    BLUE.lower(): "var(--blue)",
    GREEN.lower(): "var(--green)",
}
_REFERENCES = re.compile(r'(\bid="|xlink:href="#|url\(#)')
_HASHED = re.compile(r'(?<=\bid=")([a-zA-Z]\w*?)([0-9a-f]{10})(?=")')
_POINTS = re.compile('<g id="[^"]*trial-points')


def figure_bytes(figure: "Figure", file_format: str) -> bytes:
    """The figure as `png` or `svg`; the same figure gives the same bytes."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    # A date would make each file differ from the one before.
    metadata = {"Date": None} if file_format == "svg" else {}
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format=file_format, metadata=metadata)
    content = buffer.getvalue()
    return _numbered(content.decode()).encode() if file_format == "svg" else content


def _numbered(svg: str) -> str:
    """Ids that matplotlib hashes, numbered in their order.

    It hashes places to the last digit, and the layout's last digit is another in some processes.
    """
    for count, (kind, digits) in enumerate(_HASHED.findall(svg)):
        svg = svg.replace(f"{kind}{digits}", f"{kind}{count}")
    return svg


def save_png(draw: "Callable[[], Figure]", path: Path) -> None:
    """Write what is drawn in the house's style, for a command that leaves a picture in its run.

    Raises:
        EffsearchError: the file cannot be written.
    """
    path.parent.mkdir(exist_ok=True)
    write_bytes_atomically(path, figure_bytes(styled(draw), "png"))


def inline_svg(figure: "Figure", name: str, points: Sequence[Trial] = ()) -> str:
    """The figure as an `<svg>` element for a page that holds several.

    Ids are made the figure's own, ink, grid and paper follow the page's colours, and each mark of
    a group `trial-points…` says which trial it is.

    Args:
        figure: what to write.
        name: prefix of its ids.
        points: the trials of each of its `trial-points…`, in the order they were drawn.
    """
    import matplotlib as mpl

    figure.patch.set_visible(False)
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = _numbered(buffer.getvalue())
    text = text[text.index("<svg") :].replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<style type=\"text/css\">.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = _REFERENCES.sub(rf"\g<1>{name}-", text).replace("xlink:href", "href")
    for color, variable in _THEMED.items():
        text = text.replace(color, variable)
    text = re.sub(r'(<svg [^>]*?)width="[^"]*pt"|height="[^"]*pt"', r"\1", text)
    return _name_points(text, points)


def _name_points(text: str, points: Sequence[Trial]) -> str:
    """Give each mark of the points its trial's number, where there are as many marks as trials."""
    # Marks are `use` elements; a group ends before the next group with an id.
    groups = re.split('(?=<g id=")', text)
    return "".join(_named(group, points) if _POINTS.match(group) else group for group in groups)


def _named(group: str, points: Sequence[Trial]) -> str:
    if group.count("<use ") != len(points):
        return group
    numbers = iter(points)
    return re.sub("<use ", lambda _: f'<use data-trial="{next(numbers).number}" ', group)


def write_file(path: Path, content: bytes) -> Path:
    """Write a picture or a page, making its folder where there is none.

    Raises:
        EffsearchError: the place cannot be written; another is to be named with --output.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(path, content)
    except OSError as problem:
        why = problem.strerror or problem
        raise EffsearchError(
            f"cannot write {path}: {why}: name a writable folder with --output"
        ) from None
    except EffsearchError as problem:
        raise EffsearchError(f"{problem} with --output") from None
    return path

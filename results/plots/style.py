"""How every picture looks: Okabe and Ito's colours, sizes for print, and a figure to draw on.

The colours stay apart for colour-blind eyes and in grey print; where it matters, marks differ in
shape too. A picture is drawn at the width of a page or at that of a phone, where its panels stand
below each other: `styled` says which, `is_narrow` asks.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from effsearch.search_spaces.errors import EffsearchError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

T = TypeVar("T")

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
YELLOW = "#F0E442"
GIVEN_UP = "#b9c4cd"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY)

# These are found again in an SVG and replaced by the page's own, so that a picture can be dark.
INK = "#1f2328"
FAINT = "#6e7781"
GRID = "#d8dee4"
PAPER = "#fefefe"

WIDTH = 7.2  # inches: two columns of a paper
PHONE = 4.2  # inches that 366 pixels show with letters of 10 pixels and more

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "text.parse_math": False,  # a name may hold dollar signs
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "figure.facecolor": PAPER,
    "figure.figsize": (WIDTH, 4.0),
    "figure.dpi": 100.0,
    "savefig.dpi": 160.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "effsearch",
    "path.simplify": True,
}


_SMALL = 7.0
"""Points of letters of small print."""
_LETTERS = 126
"""Letters an inch, times their size in points."""
_LEGEND_LINE = 0.165
"""Inches of a legend's line."""
_TURNS = 4
_LABELS = 0.6
"""Inches that ticks and label take on the left of the axes."""


class NothingToDrawError(EffsearchError):
    """A picture needs something the run does not have (yet); the message says what."""


def is_narrow() -> bool:
    """Whether what is drawn now is for a phone."""
    import matplotlib as mpl

    return bool(mpl.rcParams["figure.figsize"][0] <= PHONE)


def new_figure(height: float, width: float = WIDTH) -> "Figure":
    """An empty figure of a size in inches; it lays itself out so that no label is cut.

    On a phone it is as wide as that, whatever `width` is.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(PHONE if is_narrow() else width, height), layout="constrained")


def message_figure(message: str) -> "Figure":
    """A picture that says why there is nothing to see."""
    figure = new_figure(1.6)
    figure.text(0.5, 0.5, message, ha="center", va="center", color=FAINT, fontsize=11, wrap=True)
    return figure


def with_note(figure: "Figure", note: str) -> "Figure":
    """The figure with small print below it, after what stands there already."""
    before: Any = figure._supxlabel  # type: ignore[attr-defined]
    if before is not None and before.get_fontsize() == _SMALL:
        note = f"{before.get_text()} {note}"
    lines = wrapped(" ".join(note.split()), figure.get_figwidth(), _SMALL)
    if figure.legends:
        _note_below_legends(figure, lines)
    else:
        figure.supxlabel(lines, x=0.01, ha="left", fontsize=_SMALL, color=FAINT)
    return figure


def _note_below_legends(figure: "Figure", lines: str) -> None:
    """Both want the lowest place of a figure: the axes leave room for both, one over the other."""
    inches = (lines.count("\n") + 1.6) * 1.35 * _SMALL / 72
    figure.set_figheight(figure.get_figheight() + inches)
    share = inches / figure.get_figheight()
    renderer = figure._get_renderer()  # type: ignore[attr-defined]
    tallest = 0.0
    for legend in figure.legends:
        tallest = max(tallest, legend.get_window_extent(renderer).height / figure.bbox.height)
        legend.set_bbox_to_anchor((0, share, 1, 1 - share), transform=figure.transFigure)
        legend.set_in_layout(False)
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, share + tallest, 1, 1 - share - tallest))
    figure.text(0.01, 0.2 * share, lines, ha="left", va="bottom", fontsize=_SMALL, color=FAINT)


def wrapped(text: str, width: float, size: float) -> str:
    """A text in lines of so many inches, in letters of so many points."""
    import textwrap

    return textwrap.fill(text, max(8, int(_LETTERS * width / size)))


def styled(make: Callable[[], T], *, phone: bool = False) -> T:
    """Call a drawing function with the house's style around it, at a page's or a phone's width."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE | ({"figure.figsize": (PHONE, 4.0)} if phone else {})):
        return make()


def settle(figure: "Figure") -> "Figure":
    """Break titles and labels that would leave the figure, or run into the next panel's; then let
    nothing move any more.
    """
    moves = _keep_ticks(figure)
    whole = {text: text.get_text() for text, _ in _rooms(figure)}
    for turn in range(_TURNS):  # broken labels and new ticks move the axes, and so the room
        _lay_out(figure)
        broken = [_break(text, whole[text], room) for text, room in _rooms(figure)]
        if not any(broken) and (turn or not moves):
            break
    figure.set_layout_engine("none")
    return figure


def _keep_ticks(figure: "Figure") -> bool:
    """Let a figure have the same ticks where it is drawn without this style around it: how many
    there are follows from the size that letters have by then.

    Returns:
        Whether ticks may change as axes move; those of colour bars take no room from others.
    """
    from matplotlib.ticker import FixedLocator

    moves = False
    for axes in figure.axes:
        for axis, size in ((axes.xaxis, "xtick.labelsize"), (axes.yaxis, "ytick.labelsize")):
            if not isinstance(axis.get_major_locator(), FixedLocator):
                axis.set_tick_params(labelsize=STYLE[size])
                moves |= axes.get_label() != "<colorbar>"
    return moves


def _rooms(figure: "Figure") -> list[tuple[Any, float]]:
    """Titles and labels, and how many pixels each may take along its own direction."""
    across, up = figure.bbox.width, figure.bbox.height
    found: list[tuple[Any, float]] = []
    for axes in figure.axes:
        box = axes.get_window_extent()
        middle, centre = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
        spec = axes.get_subplotspec()
        columns = 1 if spec is None else spec.get_gridspec().ncols
        beside = across if columns == 1 else 1.2 * box.width
        around = min(beside, 2 * min(middle, across - middle))
        left: Any = axes._left_title  # type: ignore[attr-defined]
        found += [
            (axes.xaxis.label, around),
            (axes.yaxis.label, min(1.3 * box.height, 2 * min(centre, up - centre))),
            (axes.title, around),
            (left, min(beside, across - box.x0)),
        ]
    whole = (figure._suptitle, figure._supxlabel)  # type: ignore[attr-defined]
    return found + [(text, across) for text in whole if text is not None]


def _lay_out(figure: "Figure") -> None:
    """Place the axes, without the time that drawing all marks takes."""
    engine: Any = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)


def _break(text: Any, whole: str, room: float) -> bool:
    """Break a text into lines that fit, if it does not; whether it did not."""
    import textwrap

    if not whole or room <= 0:
        return False
    box = text.get_window_extent()
    long = box.height if text.get_rotation() == 90 else box.width
    if long <= 0.99 * room:
        return False
    longest = max(map(len, text.get_text().splitlines()))
    letters = max(8, int(0.97 * longest * room / long))
    text.set_text("\n".join(textwrap.fill(line, letters) for line in whole.splitlines()))
    return True


def count_axis(axis: Any, unit: str = "") -> None:
    """Ticks as people write counts: 380M, 1.5G."""
    from matplotlib.ticker import EngFormatter

    axis.set_major_formatter(EngFormatter(unit=unit, sep=""))


def legend_above(axes: "Axes", columns: int, handles: Sequence[Any] | None = None) -> None:
    """A legend over the axes, where no data lie, of as many columns as fit beside each other.

    The figure grows by its lines, so that the axes keep their size.
    """
    figure: Any = axes.figure
    shown = axes.get_legend_handles_labels()[0] if handles is None else handles
    if not shown:
        return
    for count in range(min(columns, len(shown)), 0, -1):
        legend = axes.legend(
            handles=shown,
            loc="lower left",
            bbox_to_anchor=(-0.01, 1.0),
            ncols=count,
            borderaxespad=0.2,
            handletextpad=0.4,
            columnspacing=1.4,
        )
        if legend.get_window_extent(figure._get_renderer()).width <= _legend_room(axes):
            break
    lines = -(-len(shown) // count)
    figure.set_figheight(figure.get_figheight() + _LEGEND_LINE * (lines - 1))


def _legend_room(axes: "Axes") -> float:
    """Pixels from the left end of the axes to the right end of their column."""
    figure: Any = axes.figure
    spec = axes.get_subplotspec()
    if spec is None:
        return float(figure.bbox.width)
    columns = spec.get_gridspec().ncols
    share = len(spec.colspan) / columns
    return float(figure.bbox.width * share - _LABELS * figure.dpi)


def legend_below(figure: "Figure", columns: int, handles: Sequence[Any]) -> None:
    """A legend of the whole figure, below it, of as many columns as fit; the figure grows by it."""
    for count in range(min(columns, len(handles)), 0, -1):
        legend = figure.legend(handles=handles, loc="outside lower center", ncols=count)
        width = legend.get_window_extent(figure._get_renderer()).width  # type: ignore[attr-defined]
        if width <= figure.bbox.width or count == 1:
            break
        legend.remove()
    lines = -(-len(handles) // count)
    figure.set_figheight(figure.get_figheight() + _LEGEND_LINE * lines)


def color_bar(figure: "Figure", marks: Any, axes: Any, label: str) -> None:
    """What colours mean: beside the axes, on a phone below them."""
    place: Any = (
        {"location": "bottom", "aspect": 40, "pad": 0.03}
        if is_narrow()
        else {"aspect": 30, "pad": 0.02}
    )
    bar = figure.colorbar(marks, ax=axes, **place)
    bar.set_label(label)
    bar.outline.set_visible(False)

"""How every picture looks: Okabe and Ito's colours, sizes for print, and a figure to draw on.

The colours stay apart for colour-blind eyes and in grey print; where it matters, marks differ in
shape too.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from effsearch.results.store.trials import Trial
from effsearch.search_spaces.errors import EffsearchError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
    "figure.dpi": 100.0,
    "savefig.dpi": 160.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "effsearch",
    "path.simplify": True,
}


def mark_colors(trials: Sequence[Trial], color: str) -> str | list[str]:
    """The colour of each trial's mark: paler where the training was stopped early."""
    if not any(trial.partial for trial in trials):
        return color  # one colour for all is drawn much faster
    return [GIVEN_UP if trial.partial else color for trial in trials]


def explain_given_up(axes: "Axes", trials: Sequence[Trial]) -> None:
    """An entry of the legend for the paler marks, where there are any."""
    if any(trial.partial for trial in trials):
        axes.scatter([], [], s=16, color=GIVEN_UP, label="stopped early")


_NOTE_LETTERS = 130
"""Letters a line of small print."""


class NothingToDrawError(EffsearchError):
    """A picture needs something the run does not have (yet); the message says what."""


def new_figure(height: float, width: float = WIDTH) -> "Figure":
    """An empty figure of a size in inches; it lays itself out so that no label is cut."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def message_figure(message: str) -> "Figure":
    """A picture that says why there is nothing to see."""
    figure = new_figure(1.6)
    figure.text(0.5, 0.5, message, ha="center", va="center", color=FAINT, fontsize=11, wrap=True)
    return figure


def with_note(figure: "Figure", note: str) -> "Figure":
    """The figure with small print below it."""
    import textwrap

    lines = textwrap.fill(note, int(_NOTE_LETTERS * figure.get_figwidth() / WIDTH))
    figure.supxlabel(lines, x=0.01, ha="left", fontsize=7, color=FAINT)
    return figure


def styled(make: "Callable[[], Figure]") -> "Figure":
    """Call a drawing function with the house's style around it."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        return make()


def count_axis(axis: Any, unit: str = "") -> None:
    """Ticks as people write counts: 380M, 1.5G."""
    from matplotlib.ticker import EngFormatter

    axis.set_major_formatter(EngFormatter(unit=unit, sep=""))


def legend_above(axes: "Axes", columns: int, handles: Sequence[Any] | None = None) -> None:
    """A legend in a line over the axes, where no data lie."""
    shown = {} if handles is None else {"handles": handles}
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=columns,
        borderaxespad=0.2,
        handletextpad=0.4,
        columnspacing=1.8,
        **shown,
    )

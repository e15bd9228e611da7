"""The plots by name, and drawing one whatever the run holds."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from effsearch.results.kinds.registry import KINDS, kind_of
from effsearch.results.loading import understood
from effsearch.results.plots.interactive import interactive_figure
from effsearch.results.plots.names import write_asked
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    NothingToDrawError,
    message_figure,
    settle,
    styled,
    with_note,
)
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.errors import InputError, unknown_name

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.figure import Figure

    from effsearch.results.plots.panel import Panel


def all_plots() -> dict[str, Plot]:
    """Every plot of any kind of run, by name."""
    return {plot.name: plot for kind in KINDS for plot in kind_of(kind).plots}


def check_plots(names: Sequence[str]) -> None:
    """Raise an InputError for the first unknown name; the nearest is named."""
    known = all_plots()
    for name in names:
        if name not in known:
            raise unknown_name("plot", name, known)


def draw(name: str, data: RunData, *, phone: bool = False, note: str = "") -> "Figure":
    """Draw one plot, at the width of a page or of a phone, with small print below it.

    Raises:
        InputError: no such plot; the nearest is named. Or the run is damaged.
        NothingToDrawError: the run does not have what the plot needs, and what that is.
    """
    found = plot_of(name, data)
    with understood(data):
        return finished(lambda: found.draw(data), phone=phone, note=note)


def draw_interactive(name: str, data: RunData) -> "go.Figure":
    """The plotly form of a plot that has one.

    Raises:
        InputError: no such plot, or none with a plotly form; those that have one are named.
        NothingToDrawError: the run does not have what the plot needs.
        MissingResourceError: plotly is not installed.
    """
    found = plot_of(name, data)
    if found.panels is None:
        have = ", ".join(plot.name for plot in all_plots().values() if plot.panels)
        raise InputError(f"picture '{name}' has no interactive form: {have} have one")
    describe = found.panels
    with understood(data):
        panels: list[Panel] = styled(lambda: describe(data))
    return interactive_figure(panels, f"{found.title}: {data.reference}")


def plot_of(name: str, data: RunData) -> Plot:
    """One plot of a run's kind.

    Raises:
        InputError: no such plot; the nearest is named.
        NothingToDrawError: runs of this kind have none of that name.
    """
    check_plots([name])
    plots = {plot.name: plot for plot in kind_of(data.kind).plots}
    if name not in plots:
        raise NothingToDrawError(
            f"a {data.kind} run has no picture '{name}', only {', '.join(plots)}"
        )
    return plots[name]


def finished(make: "Callable[[], Figure]", *, phone: bool = False, note: str = "") -> "Figure":
    """What is drawn in the house's style, laid out, with its names in place."""

    def whole() -> "Figure":
        figure = make()
        if note:
            with_note(figure, note)
        settle(figure)
        write_asked(figure)
        return figure

    return styled(whole, phone=phone)


def draw_or_say(name: str, data: RunData) -> "tuple[Figure, str | None]":
    """As `draw`, with the conditions of its accuracies written below, to stand alone.

    A plot that cannot be drawn says why, and so does the second value.
    """
    check_plots([name])
    try:
        return draw(name, data, note=all_plots()[name].conditions(data)), None
    except NothingToDrawError as reason:
        message = str(reason)
        return styled(lambda: message_figure(message)), message

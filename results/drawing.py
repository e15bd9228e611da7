"""The plots by name, and drawing one whatever the run holds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from effsearch.results.kinds.registry import KINDS, kind_of
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    NothingToDrawError,
    message_figure,
    styled,
    with_note,
)
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.errors import unknown_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def all_plots() -> dict[str, Plot]:
    """Every plot of any kind of run, by name."""
    return {plot.name: plot for kind in KINDS for plot in kind_of(kind).plots}


def check_plots(names: Sequence[str]) -> None:
    """Raise an InputError for the first unknown name; the nearest is named."""
    known = all_plots()
    for name in names:
        if name not in known:
            raise unknown_name("plot", name, known)


def draw(name: str, data: RunData) -> "Figure":
    """Draw one plot.

    Raises:
        InputError: no such plot; the nearest is named.
        NothingToDrawError: the run does not have what the plot needs, and what that is.
    """
    check_plots([name])
    plots = {plot.name: plot for plot in kind_of(data.kind).plots}
    if name not in plots:
        raise NothingToDrawError(
            f"a {data.kind} run has no picture '{name}', only {', '.join(plots)}"
        )
    return styled(lambda: plots[name].draw(data))


def draw_or_say(name: str, data: RunData) -> "tuple[Figure, str | None]":
    """As `draw`, with the conditions of its accuracies written below, to stand alone.

    A plot that cannot be drawn says why, and so does the second value.
    """
    try:
        figure = draw(name, data)
        said = all_plots()[name].conditions(data)
        return (styled(lambda: with_note(figure, said)) if said else figure), None
    except NothingToDrawError as reason:
        message = str(reason)
        return styled(lambda: message_figure(message)), message

"""The kinds of pictures by name, and drawing one whatever the run holds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from results.plots import (
    finalists,
    front,
    importance,
    network,
    parallel,
    preferences,
    progress,
)
from results.plots.style import STYLE, NothingToDrawError, message_figure
from results.run_data import RunData
from search_spaces.errors import unknown_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Plot:
    """A kind of picture: its title, what it shows in a sentence, and what draws it."""

    title: str
    caption: str
    draw: "Callable[[RunData], Figure]"


PLOTS: dict[str, Plot] = {
    "network": Plot(
        "The network found",
        "Stage by stage: one box a layer, higher where its output is larger; the bars are each "
        "stage's share of the multiply-adds and of the parameters.",
        network.draw_network,
    ),
    "finalists": Plot(
        "Finalists, trained again",
        "The best of the search trained afresh over several seeds. The diamonds are what the "
        "search had measured: of many noisy values the highest are partly luck, so they lie high.",
        finalists.draw_finalists,
    ),
    "front": Plot(
        "Accuracy against cost",
        "Every network measured. Published networks are placed by their cost only: their accuracy "
        "on this data, with this short training, is not measured.",
        front.draw_front,
    ),
    "progress": Plot(
        "Reward over evaluations",
        "Each network's reward and the best so far, in the order the search asked for them.",
        progress.draw_evaluations,
    ),
    "time": Plot(
        "Reward over time",
        "The same by the clock; a stop between two sessions counts as time.",
        progress.draw_time,
    ),
    "preferences": Plot(
        "What the search came to prefer",
        "For every choice of every stage, how often each option was asked for, from the search's "
        "start (left) to its end (right).",
        preferences.draw_preferences,
    ),
    "importance": Plot(
        "Which choices mattered",
        "Permutation importance of random forests that predict the accuracy from the choices, "
        "measured on networks they had not seen. Bars within the reach of 0 say nothing.",
        importance.draw_importance,
    ),
    "parallel": Plot(
        "Choices and outcome, line by line",
        "One line a network through the most important choices, its costs and its accuracy; the "
        "best tenth is drawn thicker.",
        parallel.draw_parallel,
    ),
}


def draw(kind: str, data: RunData) -> "Figure":
    """Draw one kind.

    Raises:
        InputError: no such kind; the nearest is named.
        NothingToDrawError: the run does not have what the picture needs, and what that is.
    """
    return styled(lambda: _plot(kind).draw(data))


def draw_or_say(kind: str, data: RunData) -> "tuple[Figure, str | None]":
    """As `draw`, but a picture that cannot be drawn says why, and so does the second value."""
    try:
        return draw(kind, data), None
    except NothingToDrawError as reason:
        message = str(reason)
        return styled(lambda: message_figure(message)), message


def styled(make: "Callable[[], Figure]") -> "Figure":
    """Call a drawing function with the house's style around it."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        return make()


def _plot(kind: str) -> Plot:
    if kind not in PLOTS:
        raise unknown_name("plot", kind, PLOTS)
    return PLOTS[kind]


def check_kinds(kinds: list[str]) -> None:
    """Raise an InputError for the first unknown kind."""
    for kind in kinds:
        _plot(kind)

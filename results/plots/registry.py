"""The kinds of pictures by name, and drawing one whatever the run holds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from effsearch.results.plots import (
    comparison,
    family,
    finalists,
    front,
    heatmap,
    importance,
    network,
    noise,
    parallel,
    preferences,
    progress,
    ratio,
    strategies,
    training,
)
from effsearch.results.plots.style import STYLE, NothingToDrawError, message_figure
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.errors import unknown_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Plot:
    """A kind of picture: its title, what it shows in a sentence, what draws it, for which runs."""

    title: str
    caption: str
    draw: "Callable[[RunData], Figure]"
    runs: tuple[str, ...] = ("baseline",)


PLOTS: dict[str, Plot] = {
    "heatmap": Plot(
        "The surface of the grid",
        "Accuracy over β and γ; each cell names its α. All cells were trained alike; what a longer "
        "training of the best came to is written below.",
        heatmap.draw_heatmap,
        ("coefficients",),
    ),
    "comparison": Plot(
        "One dimension against three",
        "Accuracy over multiply-adds, one line a method; at each budget all methods cost the same. "
        "Where the bars overlap widely, nothing is shown to be better.",
        comparison.draw_comparison,
        ("comparison",),
    ),
    "family": Plot(
        "The family against published models",
        "Each model at its own resolution. Published accuracies are of ImageNet, as their papers "
        "say; members are placed by cost alone, and their accuracy is shown where a train run "
        "measured it.",
        family.draw_family,
        ("family",),
    ),
    "training": Plot(
        "The training, epoch by epoch",
        "Losses are means an image; with label smoothing or strong augmentation the training loss "
        "lies higher. The star is the epoch whose model is kept.",
        training.draw_training,
        ("train",),
    ),
    "strategies": Plot(
        "Strategies over evaluations",
        "The reward without noise of the network that each strategy would answer with: mean over "
        "the seeds with its 95% interval.",
        strategies.draw_strategies,
        ("bench",),
    ),
    "network": Plot(
        "The network found",
        "Stage by stage: one box a layer, higher where its output is larger; the bars are each "
        "stage's share of the multiply-adds and of the parameters.",
        network.draw_network,
        ("baseline", "coefficients", "train"),
    ),
    "finalists": Plot(
        "Finalists, trained again",
        "The best, trained afresh over several seeds. The diamonds are what they had scored when "
        "they were picked: of many noisy values the highest are partly luck, so they lie high "
        "unless the new training is longer.",
        finalists.draw_finalists,
        ("baseline", "coefficients"),
    ),
    "noise": Plot(
        "How much is luck",
        "Trainings of one network with different seeds, around their mean. The distances are "
        "stretched for the few seeds a mean rests on, so that the band is that of one training.",
        noise.draw_noise,
        ("baseline", "coefficients", "comparison"),
    ),
    "ratio": Plot(
        "Nominal against measured cost",
        "α·β²·γ² is what a network would cost if nothing were rounded; layers are rounded up and "
        "channels to multiples of eight, so the counted multiply-adds differ.",
        ratio.draw_ratio,
        ("coefficients",),
    ),
    "front": Plot(
        "Accuracy against cost",
        "Every network measured, against the cost of each target. Published networks are placed by "
        "their cost only: their accuracy on this data, with this short training, is not measured.",
        front.draw_front,
        ("baseline", "coefficients"),
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
        ("baseline", "coefficients"),
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


def kinds_of(run_kind: str) -> list[str]:
    """The pictures that runs of a kind have; of a kind that is not known, those of a search."""
    found = [name for name, plot in PLOTS.items() if run_kind in plot.runs]
    return found or kinds_of("baseline")


def draw(kind: str, data: RunData) -> "Figure":
    """Draw one kind.

    Raises:
        InputError: no such kind; the nearest is named.
        NothingToDrawError: the run does not have what the picture needs, and what that is.
    """
    plot = _plot(kind)
    if kind not in kinds_of(data.kind):
        raise NothingToDrawError(
            f"a {data.kind} run has no picture '{kind}', only {', '.join(kinds_of(data.kind))}"
        )
    return styled(lambda: plot.draw(data))


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

"""How much of an accuracy is luck: each training's distance from its network's mean."""

import math
from typing import TYPE_CHECKING

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.repeated import all_repeated
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    PAPER,
    SKY,
    NothingToDrawError,
    legend_above,
    new_figure,
)
from effsearch.results.statistics import CONFIDENCE, pooled_noise, student_t
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_noise(data: RunData) -> "Figure":
    """One mark a training, over its network's mean accuracy; the band is one deviation."""
    networks = all_repeated(data)
    if not networks:
        raise NothingToDrawError(_why_none(data))
    noise = pooled_noise([one.seeds for one in networks])
    assert noise is not None  # each has two seeds
    deviation = 100 * noise.deviation
    figure = new_figure(3.4)
    axes = figure.add_subplot()
    # Unbiased for few seeds: distances from a mean that was fitted to them are too short.
    marks = [
        (100 * one.accuracy, 100 * (score - one.accuracy) * _stretch(len(one.seeds)))
        for one in networks
        for score in one.seeds
    ]
    axes.axhspan(-deviation, deviation, color=SKY, alpha=0.25, linewidth=0,
                 label=f"one standard deviation: {deviation:.2f} points")  # fmt: skip
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.scatter(
        [x for x, _ in marks], [y for _, y in marks], s=22, color=BLUE,
        edgecolors=PAPER, linewidths=0.4, label="one training",
    )  # fmt: skip
    apart = student_t(0.5 + CONFIDENCE / 2, noise.freedom) * math.sqrt(2) * deviation
    axes.set_title(
        f"{len(marks)} trainings of {len(networks)} networks; by luck alone two trainings of one\n"
        f"network differ by up to {apart:.2f} points (in {CONFIDENCE:.0%} of cases)",
        loc="left",
        fontsize=8.5,
        pad=22,
    )
    axes.set_xlabel("accuracy of the network, mean over its seeds (%)")
    axes.set_ylabel("distance from that mean (points)")
    axes.margins(0.05, 0.12)
    axes.tick_params(color=FAINT)
    legend_above(axes, 2)
    return figure


def _stretch(seeds: int) -> float:
    return math.sqrt(seeds / (seeds - 1))


def _why_none(data: RunData) -> str:
    if not data.done:
        return NOTHING_YET
    cure = {
        "baseline": "resume the run with --finalists 5",
        "coefficients": "search with --seeds 2, or resume the run with --top 5",
        "comparison": "compare with --seeds 2",
    }
    return f"no network has two trainings: {cure.get(data.kind, 'nothing measures them')}"


NOISE = Plot(
    "noise",
    "How much is luck",
    "Trainings of one network with different seeds, around their mean. The distances are "
    "stretched for the few seeds a mean rests on, so that the band is that of one training.",
    draw_noise,
    accuracy_of="search",
)

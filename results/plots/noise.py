"""How much of an accuracy is luck: how far trainings of one network are apart."""

import math
from statistics import stdev
from typing import TYPE_CHECKING

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.repeated import all_repeated, all_repeated_of
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    PAPER,
    SKY,
    NothingToDrawError,
    legend_above,
    new_figure,
    with_note,
)
from effsearch.results.statistics import CONFIDENCE, pooled_noise, student_t
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_noise(data: RunData) -> "Figure":
    """One mark a network: how far its trainings are apart, over its mean accuracy."""
    networks = all_repeated(data)
    if not networks:
        raise NothingToDrawError(_why_none(data))
    noise = pooled_noise([one.seeds for one in networks])
    assert noise is not None  # each has two seeds
    deviation = 100 * noise.deviation
    figure = new_figure(3.0)
    axes = figure.add_subplot()
    fewest = min(len(one.seeds) for one in networks)
    low, high = (deviation * factor for factor in _by_chance(fewest - 1))
    axes.axhspan(low, high, color=SKY, alpha=0.25, linewidth=0,
                 label=f"where {CONFIDENCE:.0%} lie if all are equally noisy")  # fmt: skip
    axes.axhline(deviation, color=BLUE, linewidth=1.2,
                 label=f"all together, one standard deviation: {deviation:.2f} points")  # fmt: skip
    axes.scatter(
        [100 * one.accuracy for one in networks],
        [100 * stdev(one.seeds) for one in networks],
        s=24, color=BLUE, edgecolors=PAPER, linewidths=0.4, label="one network",
    )  # fmt: skip
    apart = student_t(0.5 + CONFIDENCE / 2, noise.freedom) * math.sqrt(2) * deviation
    axes.set_xlabel("accuracy of the network, mean over its seeds (%)")
    axes.set_ylabel("standard deviation\nof its trainings (points)")
    axes.margins(0.05, 0.12)
    axes.set_ylim(bottom=-0.02 * axes.get_ylim()[1])
    axes.tick_params(color=FAINT)
    legend_above(axes, 2)
    trainings = sum(len(one.seeds) for one in networks)
    return with_note(
        figure,
        f"{trainings} trainings of {len(networks)} networks; by luck alone two trainings of one "
        f"network differ by up to {apart:.2f} points (in {CONFIDENCE:.0%} of cases).",
    )


def _by_chance(freedom: int) -> tuple[float, float]:
    """Between which factors of the true deviation one that so few seeds give mostly lies."""
    from scipy.special import chdtri

    tail = (1 - CONFIDENCE) / 2
    low, high = (math.sqrt(float(chdtri(freedom, p)) / freedom) for p in (1 - tail, tail))
    return low, high


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
    "How far the trainings of one network with different seeds are apart, and how far all are "
    "together. Of so few seeds the deviation is known badly: a network within the band is no "
    "noisier than the others.",
    draw_noise,
    accuracy_of=all_repeated_of,
)

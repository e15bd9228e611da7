"""Pictures of latency: predicted against measured, and how little multiply-adds tell of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from effsearch.results.plots.style import CYCLE, FAINT, STYLE, count_axis, legend_above, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARKS = "osD^"


@dataclass(frozen=True)
class Points:
    """Networks of one device: `x` predicted milliseconds or multiply-adds, `y` measured
    milliseconds."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def draw_predictions(devices: Sequence[Points]) -> "Figure":
    """Measured over predicted latency of networks the correction was not fitted on."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = _scatter(devices, "predicted from the table, ms", width=4.2, height=3.9)
        axes = figure.axes[0]
        values = [value for points in devices for value in (*points.x, *points.y)]
        ends = (0.95 * min(values), 1.05 * max(values))
        axes.plot(ends, ends, color=FAINT, linewidth=1.0, zorder=1)
        axes.fill_between(
            ends,
            [0.95 * end for end in ends],
            [1.05 * end for end in ends],
            color=FAINT,
            alpha=0.15,
            linewidth=0,
            label="within 5%",
        )
        legend_above(axes, len(devices) + 1)
        return figure


def draw_macs(devices: Sequence[Points]) -> "Figure":
    """Measured latency over multiply-adds."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = _scatter(devices, "multiply-adds", width=6.0, height=3.4)
        count_axis(figure.axes[0].xaxis)
        legend_above(figure.axes[0], len(devices))
        return figure


def _scatter(devices: Sequence[Points], what: str, width: float, height: float) -> "Figure":
    figure = new_figure(height, width)
    axes = figure.add_subplot()
    for place, points in enumerate(devices):
        axes.scatter(
            points.x,
            points.y,
            s=14,
            marker=_MARKS[place % len(_MARKS)],
            color=CYCLE[place % len(CYCLE)],
            alpha=0.75,
            linewidths=0,
            label=points.name,
            zorder=2,
        )
    axes.set_xlabel(what)
    axes.set_ylabel("measured, ms")
    return figure

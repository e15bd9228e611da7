"""What a picture shows, as plain data: marks, lines and axes, drawn by matplotlib or by plotly.

A picture that can be had in both forms is described once; `draw_panel` is the printed form, and
`results.plots.interactive` the one with hover texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from effsearch.results.plots.names import Name, ask_names
from effsearch.results.plots.style import (
    FAINT,
    GIVEN_UP,
    INK,
    PAPER,
    SKY,
    count_axis,
    is_narrow,
)
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.units import format_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Marker = Literal["", "o", "s", "D", "*", "x"]
Line = Literal["", "-", "--", "steps"]

_ON_COLOR = "#101010"
"""Names on a coloured surface, which a dark page does not change."""
_MOST_ON_A_PHONE = 2000
"""Marks of one series that stand in a phone's picture one by one; more are one image."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """Marks of one meaning, joined or not.

    Attributes:
        label: in the legend; empty for none.
        x, y: where the marks are, (n,) each.
        color: of marks and line.
        marker, size: what a mark looks like, and how many points wide it is.
        line: what joins them; `steps` stays at a mark's height up to the next one.
        hollow: whether marks are rings.
        outlined: whether marks have an edge of ink, which sets them off from a crowd.
        values: what colours the marks instead of `color`, (n,); empty for nothing.
        hover: what is said of each mark under the pointer, lines apart by `\\n`; (n,) or empty.
        names: written beside the marks, (n,) or empty.
        trials: the run's trials where the marks are these, in their order; a page's marks then
            open them, and those of a stopped training are paler.
        is_crowd: whether very many of them are one image on a page too, as on a phone.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    color: str
    marker: Marker = "o"
    size: float = 5.0
    line: Line = ""
    hollow: bool = False
    outlined: bool = False
    values: Sequence[float] = ()
    hover: Sequence[str] = ()
    names: Sequence[str] = ()
    trials: Sequence[Trial] = ()
    is_crowd: bool = False


@dataclass(frozen=True, kw_only=True)
class Upright:
    """A vertical line: where, what it is, how it looks; `name` is written beside it."""

    x: float
    label: str
    color: str
    dashed: bool = False
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Label:
    """A text at a place: what it says, and which of its sides stands there."""

    text: str
    x: float
    y: float
    across: Literal["left", "center", "right"] = "center"
    up: Literal["top", "center", "bottom"] = "center"
    size: float = 8.0
    faint: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes.

    Attributes:
        x_label, y_label: what they measure, with the unit.
        series: what is drawn, in this order.
        uprights: vertical lines.
        span: a range of x that is shaded, and its label.
        x_log, y_log: whether an axis is logarithmic.
        x_unit: of counts written as 400M; None for plain numbers.
        title: over the axes.
        height: inches.
        id: tells the panels of a picture apart.
        value_label: what the colours of `values` mean.
        y_hidden: whether heights mean nothing.
        bare: whether there are no axes at all: places mean what is written beside them.
        labels: texts at their places.
        x_range, y_range: ends of the axes; None where the marks decide.
        ticks: of the x axis, what is written at which place; empty for the usual ones.
    """

    x_label: str
    y_label: str
    series: Sequence[Series]
    uprights: Sequence[Upright] = ()
    span: tuple[float, float, str] | None = None
    x_log: bool = False
    y_log: bool = False
    x_unit: str | None = None
    title: str = ""
    height: float = 3.2
    id: str = ""
    value_label: str = ""
    y_hidden: bool = False
    bare: bool = False
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    ticks: Sequence[tuple[float, str]] = ()
    labels: Sequence[Label] = ()


def about(trial: Trial) -> str:
    """What a mark says of its trial: number, notation, accuracy, costs."""
    accuracy = "-" if trial.accuracy is None else f"{100 * trial.accuracy:.2f}%"
    costs = ", ".join(
        f"{format_count(float(trial.costs[name]))} {said}"
        for name, said in (("macs", "MACs"), ("params", "parameters"))
        if name in trial.costs
    )
    early = " (stopped early)" if trial.partial else ""
    return f"trial {trial.number}: {accuracy}{early}\n{costs}\n{trial.architecture}"


def draw_panel(axes: "Axes", panel: Panel, name_size: float = 7.0) -> Any:
    """Draw all but the legend; what `values` colour is returned."""
    if panel.span:
        low, high, label = panel.span
        axes.axvspan(low, high, color=SKY, alpha=0.18, linewidth=0, label=label)
    said: set[str] = set()
    for one in panel.uprights:
        axes.axvline(
            one.x, color=one.color, linestyle="--" if one.dashed else "-",
            linewidth=1.2 if one.dashed else 0.9,
            label=one.label if one.label not in said else None,
        )  # fmt: skip
        said.add(one.label)
    colored = None
    for order, series in enumerate(panel.series):
        drawn = _draw_series(axes, series, panel.id)
        drawn.set_zorder(2 + 0.01 * order)
        colored = drawn if len(series.values) else colored
    if panel.x_log:
        axes.set_xscale("log")
    if panel.y_log:
        axes.set_yscale("log")
    if panel.x_unit is not None:
        count_axis(axes.xaxis, panel.x_unit)
    axes.margins(0.04, 0.08)
    if panel.x_range:
        axes.set_xlim(panel.x_range)
    if panel.y_range:
        axes.set_ylim(panel.y_range)
    if panel.ticks:
        axes.set_xticks([place for place, _ in panel.ticks], [said for _, said in panel.ticks])
    if panel.x_log or panel.y_log:
        axes.minorticks_off()
    if panel.y_hidden:
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    for text in panel.labels:
        axes.text(
            text.x, text.y, text.text, ha=text.across, va=text.up, fontsize=text.size,
            color=FAINT if text.faint else INK,
        )  # fmt: skip
    if panel.bare:
        axes.set_axis_off()
        axes.set_aspect("equal")
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel("" if panel.y_hidden else panel.y_label)
    axes.tick_params(color=FAINT)
    if panel.title and not panel.bare:
        axes.set_title(panel.title, fontsize=8.5, loc="left")
    if names := _names(panel, name_size):
        ask_names(axes, names)
    return colored


def _names(panel: Panel, size: float) -> list[Name]:
    """What marks and lines are called."""
    on = _ON_COLOR if panel.bare else INK
    marks = [
        Name(text=text, x=x, y=y, size=size, color=on)
        for series in panel.series
        for text, x, y in zip(series.names, series.x, series.y, strict=False)
        if text
    ]
    lines = [
        Name(text=one.name, x=one.x, color=one.color, size=size)
        for one in panel.uprights
        if one.name
    ]
    return [*marks, *lines]


def _draw_series(axes: "Axes", series: Series, panel_id: str) -> Any:
    edge: Any = {"markeredgecolor": PAPER, "markeredgewidth": 0.4}
    if series.outlined:
        edge = {"markeredgecolor": INK, "markeredgewidth": 0.6}
    if series.marker == "x":  # all of it is edge
        edge = {}
    if len(series.values) or len(series.trials):
        marks: Any = axes.scatter(
            series.x, series.y, s=series.size**2, marker=series.marker or "o",
            label=series.label or None, linewidths=0.4, edgecolors=PAPER,
            **({"c": series.values, "cmap": "cividis"} if len(series.values)
               else {"color": _trial_colors(series)}),
        )  # fmt: skip
        if len(series.trials):
            marks.set_gid(f"trial-points-{panel_id}")
            marks.set_rasterized(
                (is_narrow() or series.is_crowd) and len(series.x) > _MOST_ON_A_PHONE
            )
            if any(trial.partial for trial in series.trials):
                axes.scatter([], [], s=16, color=GIVEN_UP, label="stopped early")
        return marks
    if series.hollow:
        edge = {"markerfacecolor": "none"}
    drawstyle: Any = "steps-post" if series.line == "steps" else "default"
    return axes.plot(
        series.x, series.y, drawstyle=drawstyle, color=series.color, label=series.label or None,
        marker=series.marker, markersize=series.size, linewidth=1.5,
        linestyle={"": "none", "steps": "-"}.get(series.line, series.line), **edge,
    )[0]  # fmt: skip


def _trial_colors(series: Series) -> str | list[str]:
    """Paler where the training was stopped early."""
    if not any(trial.partial for trial in series.trials):
        return series.color  # one colour for all is drawn much faster
    return [GIVEN_UP if trial.partial else series.color for trial in series.trials]

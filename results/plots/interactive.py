"""A picture's panels with plotly: the marks of the printed one, and what each of them is."""

import itertools
import math
import textwrap
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from effsearch.results.plots.panel import Panel, Series
from effsearch.search_spaces.errors import MissingResourceError

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SYMBOLS = {"o": "circle", "s": "square", "D": "diamond", "*": "star", "x": "x-thin-open"}
_ANCHORS = {"top": "top", "center": "middle", "bottom": "bottom"}
_SIDES = ("top left", "middle right", "bottom right")
"""Where the names of a series stand, so that those of the next are elsewhere."""
_INCH = 96
_LETTERS = 76
"""Letters of a line of a hover text: a network's notation is longer."""


def interactive_figure(panels: Sequence[Panel], title: str) -> "go.Figure":
    """The panels below each other.

    Raises:
        MissingResourceError: plotly is not installed.
    """
    try:
        from plotly.subplots import make_subplots
    except ImportError:
        raise MissingResourceError(
            "interactive pictures need the package plotly: pip install 'effsearch[plotly]'"
        ) from None
    heights = [panel.height for panel in panels]
    figure = make_subplots(
        rows=len(panels),
        cols=1,
        row_heights=heights,
        vertical_spacing=min(0.12, 0.5 / len(panels)),
        subplot_titles=[_html(panel.title) for panel in panels],
    )
    said: set[str] = set()
    sides = itertools.cycle(_SIDES)
    for row, panel in enumerate(panels, start=1):
        for series in panel.series:
            trace = _trace(series, panel, series.label not in said)
            if series.names:
                trace.textposition = next(sides)
            figure.add_trace(trace, row=row, col=1)
            said.add(series.label)
        _add_lines(figure, panel, row)
        _write_labels(figure, panel, row)
        _set_axes(figure, panel, row)
    figure.update_layout(
        title=title,
        template="plotly_white",
        height=_INCH * (sum(heights) + 1.2 * len(panels)),
        hoverlabel={"align": "left"},
        legend={"orientation": "h", "y": -0.12},
    )
    return figure


def _trace(series: Series, panel: Panel, is_new: bool) -> "go.Scatter":
    import plotly.graph_objects as go

    drawn = ["lines"] if series.line else []
    drawn += ["markers"] if series.marker else []
    drawn += ["text"] if series.names else []
    marker: dict[str, Any] = {
        "symbol": _SYMBOLS.get(series.marker, "circle") + ("-open" if series.hollow else ""),
        "size": 1.6 * series.size,
        "color": series.color,
        "line": {"width": 1 if series.outlined or series.hollow else 0},
    }
    if len(series.values):
        marker |= {
            "color": list(series.values),
            "colorscale": "Cividis",
            "colorbar": {"title": {"text": panel.value_label, "side": "right"}},
        }
    return go.Scatter(
        x=list(series.x),
        y=list(series.y),
        mode="+".join(drawn) or "none",
        name=series.label,
        showlegend=bool(series.label) and is_new,
        legendgroup=series.label or None,
        marker=marker,
        line={
            "color": series.color,
            "dash": "dash" if series.line == "--" else "solid",
            "shape": "hv" if series.line == "steps" else "linear",
        },
        text=[escape(name) for name in series.names] or None,
        hovertext=[_html(text) for text in series.hover] or None,
        hoverinfo="text" if series.hover else "skip",
    )


def _add_lines(figure: "go.Figure", panel: Panel, row: int) -> None:
    for one in panel.uprights:
        figure.add_vline(
            x=one.x, line={"color": one.color, "dash": "dash" if one.dashed else "solid"},
            annotation_text=_html(one.name or one.label), row=row, col=1,
        )  # fmt: skip
    if panel.span:
        low, high, _ = panel.span
        figure.add_vrect(
            x0=low, x1=high, fillcolor="#56B4E9", opacity=0.12, line_width=0, row=row, col=1
        )


def _write_labels(figure: "go.Figure", panel: Panel, row: int) -> None:
    for label in panel.labels:
        figure.add_annotation(
            x=label.x, y=label.y, text=escape(label.text), showarrow=False, xanchor=label.across,
            yanchor=_ANCHORS[label.up], row=row, col=1,
        )  # fmt: skip


def _set_axes(figure: "go.Figure", panel: Panel, row: int) -> None:
    x: dict[str, Any] = {"title": panel.x_label, "type": "log" if panel.x_log else "linear"}
    y: dict[str, Any] = {"title": panel.y_label, "type": "log" if panel.y_log else "linear"}
    for axis, ends, is_log in ((x, panel.x_range, panel.x_log), (y, panel.y_range, panel.y_log)):
        if ends:
            axis["range"] = [math.log10(end) for end in ends] if is_log else list(ends)
    if panel.ticks:
        x |= {
            "tickvals": [value for value, _ in panel.ticks],
            "ticktext": [text for _, text in panel.ticks],
        }
    elif panel.x_unit is not None:
        x |= {"tickformat": "~s", "ticksuffix": panel.x_unit}
    if panel.y_hidden or panel.bare:
        y["visible"] = False
    if panel.bare:
        x["visible"] = False
        y |= {"scaleanchor": f"x{row if row > 1 else ''}"}
    figure.update_xaxes(row=row, col=1, **x)
    figure.update_yaxes(row=row, col=1, **y)


def _html(text: str) -> str:
    """Text as plotly shows it: escaped, its lines kept, and long ones broken."""
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, _LETTERS) or [""]]
    return "<br>".join(map(escape, lines))

"""Accuracy against every cost that a run has a target for: front, target, published networks."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from effsearch.results.formatting import NOTHING_YET, number
from effsearch.results.pareto import front_of
from effsearch.results.plots.panel import (
    Panel,
    Series,
    Upright,
    about,
    draw_panel,
)
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.published import published_costs, published_panel
from effsearch.results.plots.repeated import short_name
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    ORANGE,
    VERMILION,
    NothingToDrawError,
    legend_above,
    new_figure,
)
from effsearch.results.store.run_data import RunData
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.metrics import METRICS, find_metric

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURED = "latency as measured before the training (ms)"


def front_panels(data: RunData) -> list[Panel]:
    """One panel for the cost of each target: every measured network, published ones by cost alone.

    Without a target the cost is the multiply-adds. Published networks are left out where the cost
    is one that only this search knows, such as a latency.
    """
    wanted = [name for name in data.targets if name in METRICS] or ["macs"]
    shown = [name for name in wanted if any(name in trial.costs for trial in data.done)]
    if not shown:
        raise NothingToDrawError(NOTHING_YET)
    panels = []
    for metric in shown:
        done = [trial for trial in data.done if metric in trial.costs]
        target = data.targets.get(metric)
        if published := published_costs(data, metric):
            panels.append(published_panel(published, metric, _span(done, metric), target))
        panels.append(_trials_panel(data, done, metric, target))
    return panels


def draw_front(data: RunData) -> "Figure":
    """The panels below each other."""
    panels = front_panels(data)
    heights = [panel.height for panel in panels]
    figure = new_figure(sum(heights) + 0.5 * len(panels))
    axes = figure.subplots(len(panels), 1, height_ratios=heights, squeeze=False)[:, 0]
    said: set[str] = set()
    for place, panel in zip(axes, panels, strict=True):
        draw_panel(place, panel)
        if not panel.y_hidden:
            handles, labels = place.get_legend_handles_labels()
            new = [one for one, label in zip(handles, labels, strict=True) if label not in said]
            said.update(labels)  # what a panel above has said is not said again
            legend_above(place, 5, new)
    return figure


def _trials_panel(data: RunData, done: Sequence[Trial], metric: str, target: float | None) -> Panel:
    low, high = _span(done, metric)
    series = [
        Series(
            label="one network",
            x=[float(trial.costs[metric]) for trial in done],
            y=[100 * (trial.accuracy or 0.0) for trial in done],
            color=BLUE,
            size=4.0,
            hover=[about(trial) for trial in done],
            trials=done,
        )
    ]
    uprights = []
    if target:
        label = f"target {number(metric, target)}"
        if low / 2 < target < 2 * high:
            uprights.append(Upright(x=target, label=label, color=VERMILION, dashed=True))
        else:  # it would squeeze the networks, so the legend points to it
            pointed = f"{label} →" if target > high else f"← {label}"
            series.append(Series(label=pointed, x=[], y=[], color=VERMILION, marker="", line="--"))
    front = front_of(done, metric).trials
    series.append(
        Series(
            label="Pareto front",
            x=[float(trial.costs[metric]) for trial in front],
            y=[100 * (trial.accuracy or 0.0) for trial in front],
            color=GREEN,
            size=6.0,
            line="steps",
            hollow=True,
            hover=[about(trial) for trial in front],
        )
    )
    winner = data.winner
    if winner is not None and winner.accuracy is not None and metric in winner.costs:
        series.append(
            Series(
                label=f"answer: trial {winner.number}",
                x=[float(winner.costs[metric])],
                y=[100 * winner.accuracy],
                color=ORANGE,
                marker="*",
                size=13.0,
                outlined=True,
                hover=[about(winner)],
            )
        )
    longer = _longer(data, metric, (low, high))
    shown = find_metric(metric)
    each = "predicted_latency_ms" in done[0].costs
    return Panel(
        id=metric,
        x_label=MEASURED if metric == "latency_ms" and each else shown.axis,
        y_label="accuracy (%)" if longer else "accuracy in the search (%)",
        series=[*series, *longer],
        uprights=uprights,
        span=(low, high, "costs searched"),
        x_unit=None if shown.unit == "ms" else shown.unit,
        height=2.6,
    )


def _longer(data: RunData, metric: str, searched: tuple[float, float]) -> list[Series]:
    """Finalists, and published networks trained as they were, at what those trainings measured.

    Published networks that cost twice as much as any that was searched, or half as much, would
    squeeze the others: the legend says where they are.
    """
    trials = {trial.number: trial for trial in data.trials}
    placed = [
        row
        for row in data.finalists
        if row["trial"] in trials and metric in trials[row["trial"]].costs
    ]
    published = [row for row in (data.answer or {}).get("references") or () if metric in row]
    if not placed or not published:
        return []
    found = [
        Series(
            label="finalist, trained again",
            x=[float(trials[row["trial"]].costs[metric]) for row in placed],
            y=[100 * row["accuracy"] for row in placed],
            color=ORANGE,
            marker="s",
            size=6.5,
            outlined=True,
            hover=[
                f"trained again: {100 * row['accuracy']:.2f}%\n{about(trials[row['trial']])}"
                for row in placed
            ],
        )
    ]
    low, high = searched
    for row, color in zip(published, itertools.cycle((VERMILION, GREEN, FAINT)), strict=False):
        value, accuracy = row[metric], 100 * row["accuracy"]
        inside = low / 2 < value < 2 * high
        where = "" if inside else f" ({number(metric, value)}, {accuracy:.2f}%)"
        found.append(
            Series(
                label=f"{short_name(row['name'])}, trained alike{where}",
                x=[value] if inside else [],
                y=[accuracy] if inside else [],
                color=color,
                marker="D",
                size=6.5,
                outlined=True,
                hover=[f"{row['name']}: {accuracy:.2f}%, {number(metric, value)}"],
            )
        )
    return found


def _longer_explained(data: RunData) -> str:
    if not any(_longer(data, metric, (0.0, 0.0)) for metric in METRICS):
        return ""
    return (
        "Squares and diamonds are finalists and references, trained again and alike: compare them "
        "with each other, and not with the dots, which were trained as the search does."
    )


def _span(done: Sequence[Trial], metric: str) -> tuple[float, float]:
    values = [float(trial.costs[metric]) for trial in done]
    return min(values), max(values)


FRONT = Plot(
    "front",
    "Accuracy against cost",
    "Every network measured, against the cost of each target. Published networks are placed by "
    "their cost only: their accuracy on this data, with this short training, is not measured.",
    draw_front,
    panels=front_panels,
    also=_longer_explained,
    accuracy_of="search",
)

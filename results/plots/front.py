"""Accuracy against every cost that a run has a target for: front, target, published networks."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from effsearch.results.formatting import NOTHING_YET, number
from effsearch.results.pareto import front_of
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.published import draw_published, published_costs
from effsearch.results.plots.repeated import short_name
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    SKY,
    VERMILION,
    NothingToDrawError,
    count_axis,
    explain_given_up,
    legend_above,
    mark_colors,
    new_figure,
)
from effsearch.results.store.run_data import RunData
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.metrics import METRICS, find_metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEASURED = "latency as measured before the training (ms)"

_ALONE, _WITH_OTHERS = (4.4, 4.4), (3.9, 3.1)
"""Inches of a cost's panel, with published networks above it and without."""


def draw_front(data: RunData) -> "Figure":
    """One panel for the cost of each target: every measured network, published ones by cost alone.

    Without a target the cost is the multiply-adds. Published networks are left out where the cost
    is one that only this search knows, such as a latency.
    """
    wanted = [name for name in data.targets if name in METRICS] or ["macs"]
    shown = [name for name in wanted if any(name in trial.costs for trial in data.done)]
    if not shown:
        raise NothingToDrawError(NOTHING_YET)
    published = {metric: published_costs(data, metric) for metric in shown}
    with_strip, bare = _ALONE if len(shown) == 1 else _WITH_OTHERS
    heights = [with_strip if published[metric] else bare for metric in shown]
    figure = new_figure(sum(heights))
    parts = figure.subfigures(len(shown), 1, height_ratios=heights, squeeze=False, hspace=0.04)
    for part, metric in zip(parts[:, 0], shown, strict=True):
        done = [trial for trial in data.done if metric in trial.costs]
        target = data.targets.get(metric)
        costs = published[metric]
        if not costs:
            _draw_trials(part.subplots(), data, done, metric, target)
            continue
        strip, axes = part.subplots(2, 1, height_ratios=(1, 3.2))
        draw_published(strip, costs, metric, _span(done, metric), target)
        _draw_trials(axes, data, done, metric, target)
    return figure


def _draw_trials(
    axes: "Axes", data: RunData, done: Sequence[Trial], metric: str, target: float | None
) -> None:
    values = [float(trial.costs[metric]) for trial in done]
    accuracy = [100 * (trial.accuracy or 0.0) for trial in done]
    low, high = _span(done, metric)
    axes.axvspan(low, high, color=SKY, alpha=0.18, linewidth=0, label="costs searched")
    if target:
        line: Any = {"color": VERMILION, "linestyle": "--", "linewidth": 1.2}
        label = f"target {number(metric, target)}"
        if low / 2 < target < 2 * high:
            axes.axvline(target, **line, label=label)
        else:  # it would squeeze the networks, so the legend points to it
            axes.plot([], [], **line, label=f"{label} →" if target > high else f"← {label}")
    points = axes.scatter(
        values,
        accuracy,
        s=16,
        color=mark_colors(done, BLUE),
        edgecolors=PAPER,
        linewidths=0.4,
        label="one network",
    )
    points.set_gid(f"trial-points-{metric}")
    explain_given_up(axes, done)
    front = front_of(done, metric).trials
    axes.plot(
        [float(trial.costs[metric]) for trial in front],
        [100 * (trial.accuracy or 0.0) for trial in front],
        drawstyle="steps-post",
        marker="o",
        markersize=6,
        markerfacecolor="none",
        color=GREEN,
        linewidth=1.4,
        label="Pareto front",
    )
    winner = data.winner
    if winner is not None and winner.accuracy is not None and metric in winner.costs:
        axes.plot(
            [winner.costs[metric]],
            [100 * winner.accuracy],
            marker="*",
            markersize=13,
            color=ORANGE,
            markeredgecolor=INK,
            markeredgewidth=0.6,
            linestyle="none",
            label=f"answer: trial {winner.number}",
        )
    longer = _draw_longer(axes, data, metric, (low, high))
    shown = find_metric(metric)
    if shown.unit != "ms":
        count_axis(axes.xaxis, shown.unit)
    each = "predicted_latency_ms" in done[0].costs
    axes.set_xlabel(MEASURED if metric == "latency_ms" and each else shown.axis)
    axes.set_ylabel("accuracy (%)" if longer else "accuracy in the search (%)")
    axes.margins(0.04, 0.08)
    axes.tick_params(color=FAINT)
    legend_above(axes, 5)


def _draw_longer(axes: "Axes", data: RunData, metric: str, searched: tuple[float, float]) -> bool:
    """Finalists, and published networks trained as they were, at what those trainings measured.

    Published networks that cost twice as much as any that was searched, or half as much, would
    squeeze the others: the legend says where they are.
    """
    costs = {trial.number: trial.costs for trial in data.trials}
    placed = [row for row in data.finalists if metric in costs.get(row["trial"], {})]
    published = [row for row in (data.answer or {}).get("references") or () if metric in row]
    if not placed or not published:
        return False
    mark: Any = {"linestyle": "none", "markeredgecolor": INK, "markeredgewidth": 0.6}
    axes.plot(
        [costs[row["trial"]][metric] for row in placed],
        [100 * row["accuracy"] for row in placed],
        marker="s",
        markersize=6.5,
        color=ORANGE,
        label="finalist, trained again",
        **mark,
    )
    low, high = searched
    for row, color in zip(published, itertools.cycle((VERMILION, GREEN, FAINT)), strict=False):
        value, accuracy = row[metric], 100 * row["accuracy"]
        inside = low / 2 < value < 2 * high
        where = "" if inside else f" ({number(metric, value)}, {accuracy:.2f}%)"
        axes.plot(
            [value] if inside else [],
            [accuracy] if inside else [],
            marker="D",
            markersize=6.5,
            color=color,
            label=f"{short_name(row['name'])}, trained alike{where}",
            **mark,
        )
    return True


def _span(done: Sequence[Trial], metric: str) -> tuple[float, float]:
    values = [float(trial.costs[metric]) for trial in done]
    return min(values), max(values)


FRONT = Plot(
    "front",
    "Accuracy against cost",
    "Every network measured, against the cost of each target. Published networks are placed by "
    "their cost only: their accuracy on this data, with this short training, is not measured. "
    "Squares and diamonds are finalists and references, trained again and alike: they compare with "
    "each other, and not with the dots, which were trained as the search does.",
    draw_front,
    accuracy_of="search",
)

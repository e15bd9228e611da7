"""Accuracy against the first target's cost: the front, the target, published networks by cost."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from results.pareto import pareto_trials
from results.plots.style import (
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
from results.run_data import RunData
from results.trials import Trial
from results.wording import NOTHING_YET, number
from search_spaces.cost import cost
from search_spaces.zoo import load_zoo

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {
    "macs": "MACs: multiply-adds of convolutions and linear layers, batch 1",
    "params": "parameters",
    "memory_bytes": "peak activation memory of one image, float32",
    "total_memory_bytes": "weights and peak activations of a batch, float32",
    "latency_ms": "latency as predicted by the table (ms)",
}
MEASURED = "latency as measured before the training (ms)"
_COUNTED = ("macs", "params", "memory_bytes")

REFERENCES = {
    "efficientnet-b0": "EfficientNet-B0",
    "mobilenet-v2": "MobileNetV2",
    "mnasnet-a1": "MnasNet-A1",
    "resnet-50": "ResNet-50",
}


def draw_front(data: RunData) -> "Figure":
    """Every measured network; above, on a scale of their own, published ones by cost alone.

    The cost is that of the first target. Published networks are left out where it is one that
    only this search knows, such as a latency.
    """
    metric = next((name for name in data.targets if name in LABELS), "macs")
    done = [trial for trial in data.done if metric in trial.costs]
    if not done:
        raise NothingToDrawError(NOTHING_YET)
    figure = new_figure(4.4)
    target = data.targets.get(metric)
    if metric not in _COUNTED:
        _draw_trials(figure.subplots(), data, done, metric, target)
        return figure
    strip, axes = figure.subplots(2, 1, height_ratios=(1, 3.2))
    _draw_strip(strip, data, done, metric, target)
    _draw_trials(axes, data, done, metric, target)
    return figure


def reference_costs(data: RunData, metric: str) -> tuple[dict[str, int], str]:
    """A cost of published networks, and at which input.

    At the trials' resolution and classes where all trials agree on them, else at their own.
    """
    inputs = {(network.resolution, network.classes) for network in data.networks if network}
    costs, said = {}, "each at its own resolution"
    for name, label in REFERENCES.items():
        network = load_zoo(name)
        if len(inputs) == 1:
            [(resolution, classes)] = inputs
            network = replace(network, resolution=resolution, classes=classes)
            said = f"at {resolution} pixels, {classes} classes"
        costs[label] = getattr(cost(network), metric)
    return costs, said


def _draw_strip(
    axes: "Axes", data: RunData, done: Sequence[Trial], metric: str, target: float | None
) -> None:
    references, said = reference_costs(data, metric)
    low, high = _span(done, metric)
    axes.axvspan(low, max(high, low * 1.01), color=SKY, alpha=0.45, linewidth=0)
    if target:
        axes.axvline(target, color=VERMILION, linestyle="--", linewidth=1.2)
    # Neighbours on the axis stand at different heights, so that their names do not meet.
    ordered = sorted(references.items(), key=lambda item: item[1])
    for place, (label, value) in enumerate(ordered):
        height = (0.2, 0.5, 0.8)[place % 3]
        axes.plot([value], [height], marker="D", markersize=5, color=INK, linestyle="none")
        axes.annotate(
            f"{label} {number(metric, value)}",
            (value, height),
            xytext=(-7 if value < low else 7, 0),
            textcoords="offset points",
            ha="right" if value < low else "left",
            va="center",
            fontsize=7.5,
        )
    axes.set_xscale("log")
    values = [*references.values(), low, high]
    axes.set_xlim(min(values) / 3.2, max(values) * 2.2)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.minorticks_off()
    _count_ticks(axes, metric)
    axes.set_title(
        f"Published networks by cost only, {said}: their accuracy here is not measured",
        fontsize=8.5,
        loc="left",
    )


def _count_ticks(axes: "Axes", metric: str) -> None:
    low, high = axes.get_xlim()
    steps = [digit * 10.0**power for power in range(4, 13) for digit in (1, 2, 5)]
    shown = [value for value in steps if low <= value <= high]
    axes.set_xticks(shown, [_short(number(metric, value)) for value in shown])


def _short(text: str) -> str:
    """A round amount without its zeros: `400M` for `400.0M`."""
    return re.sub(r"\.0+(?=\D)", "", text)


def _draw_trials(
    axes: "Axes", data: RunData, done: Sequence[Trial], metric: str, target: float | None
) -> None:
    values = [float(trial.costs[metric]) for trial in done]
    accuracy = [100 * (trial.accuracy or 0.0) for trial in done]
    low, high = _span(done, metric)
    axes.axvspan(low, high, color=SKY, alpha=0.18, linewidth=0, label="costs searched")
    if target and low / 2 < target < 2 * high:  # farther off it would squeeze the networks
        axes.axvline(
            target,
            color=VERMILION,
            linestyle="--",
            linewidth=1.2,
            label=f"target {number(metric, target)}",
        )
    points = axes.scatter(
        values,
        accuracy,
        s=16,
        color=mark_colors(done, BLUE),
        edgecolors=PAPER,
        linewidths=0.4,
        label="one network",
    )
    points.set_gid("trial-points")
    explain_given_up(axes, done)
    front = pareto_trials(done, metric)
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
    if metric != "latency_ms":
        count_axis(axes.xaxis, "B" if metric.endswith("bytes") else "")
    each = "predicted_latency_ms" in done[0].costs
    axes.set_xlabel(MEASURED if metric == "latency_ms" and each else LABELS[metric])
    axes.set_ylabel("accuracy in the search (%)")
    axes.margins(0.04, 0.08)
    axes.tick_params(color=FAINT)
    legend_above(axes, 5)


def _span(done: Sequence[Trial], metric: str) -> tuple[float, float]:
    values = [float(trial.costs[metric]) for trial in done]
    return min(values), max(values)

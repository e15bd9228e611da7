"""Accuracy against MACs: the front, the target, and where published networks lie by cost."""

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
    legend_above,
    new_figure,
)
from results.run_data import RunData
from results.trials import Trial
from results.wording import NOTHING_YET
from search_spaces.amounts import format_count
from search_spaces.cost import cost
from search_spaces.zoo import load_zoo

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REFERENCES = {
    "efficientnet-b0": "EfficientNet-B0",
    "mobilenet-v2": "MobileNetV2",
    "mnasnet-a1": "MnasNet-A1",
    "resnet-50": "ResNet-50",
}


def draw_front(data: RunData) -> "Figure":
    """Every measured network; above, on a scale of their own, published ones by cost alone."""
    done = [trial for trial in data.done if "macs" in trial.costs]
    if not done:
        raise NothingToDrawError(NOTHING_YET)
    figure = new_figure(4.4)
    strip, axes = figure.subplots(2, 1, height_ratios=(1, 3.2))
    target = data.targets.get("macs")
    _draw_strip(strip, data, done, target)
    _draw_trials(axes, data, done, target)
    return figure


def reference_macs(data: RunData) -> tuple[dict[str, int], str]:
    """MACs of published networks, and at which input.

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
        costs[label] = cost(network).macs
    return costs, said


def _draw_strip(axes: "Axes", data: RunData, done: Sequence[Trial], target: float | None) -> None:
    references, said = reference_macs(data)
    low, high = _span(done)
    axes.axvspan(low, max(high, low * 1.01), color=SKY, alpha=0.45, linewidth=0)
    if target:
        axes.axvline(target, color=VERMILION, linestyle="--", linewidth=1.2)
    # Neighbours on the axis stand at different heights, so that their names do not meet.
    ordered = sorted(references.items(), key=lambda item: item[1])
    for place, (label, macs) in enumerate(ordered):
        height = (0.2, 0.5, 0.8)[place % 3]
        axes.plot([macs], [height], marker="D", markersize=5, color=INK, linestyle="none")
        axes.annotate(
            f"{label} {format_count(macs)}",
            (macs, height),
            xytext=(-7 if macs < low else 7, 0),
            textcoords="offset points",
            ha="right" if macs < low else "left",
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
    _count_ticks(axes)
    axes.set_title(
        f"Published networks by cost only, {said}: their accuracy here is not measured",
        fontsize=8.5,
        loc="left",
    )


def _count_ticks(axes: "Axes") -> None:
    low, high = axes.get_xlim()
    steps = [digit * 10.0**power for power in range(4, 13) for digit in (1, 2, 5)]
    shown = [value for value in steps if low <= value <= high]
    axes.set_xticks(
        shown, [format_count(value).replace(".0M", "M").replace(".00G", "G") for value in shown]
    )


def _draw_trials(axes: "Axes", data: RunData, done: Sequence[Trial], target: float | None) -> None:
    macs = [float(trial.costs["macs"]) for trial in done]
    accuracy = [100 * (trial.accuracy or 0.0) for trial in done]
    low, high = _span(done)
    axes.axvspan(low, high, color=SKY, alpha=0.18, linewidth=0, label="costs searched")
    if target and low / 2 < target < 2 * high:  # farther off it would squeeze the networks
        axes.axvline(
            target,
            color=VERMILION,
            linestyle="--",
            linewidth=1.2,
            label=f"target {format_count(target)}",
        )
    points = axes.scatter(
        macs, accuracy, s=16, color=BLUE, edgecolors=PAPER, linewidths=0.4, label="one network"
    )
    points.set_gid("trial-points")
    front = pareto_trials(done)
    axes.plot(
        [float(trial.costs["macs"]) for trial in front],
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
    if winner is not None and winner.accuracy is not None and "macs" in winner.costs:
        axes.plot(
            [winner.costs["macs"]],
            [100 * winner.accuracy],
            marker="*",
            markersize=13,
            color=ORANGE,
            markeredgecolor=INK,
            markeredgewidth=0.6,
            linestyle="none",
            label=f"answer: trial {winner.number}",
        )
    count_axis(axes.xaxis)
    axes.set_xlabel("MACs: multiply-adds of convolutions and linear layers, batch 1")
    axes.set_ylabel("accuracy in the search (%)")
    axes.margins(0.04, 0.08)
    axes.tick_params(color=FAINT)
    legend_above(axes, 5)


def _span(done: Sequence[Trial]) -> tuple[float, float]:
    macs = [float(trial.costs["macs"]) for trial in done]
    return min(macs), max(macs)

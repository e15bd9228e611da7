"""Published networks on a scale of costs: where they lie beside what a search looked at."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from effsearch.results.formatting import number
from effsearch.results.plots.style import INK, SKY, VERMILION
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.zoo import load_zoo

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REFERENCES = {
    "efficientnet-b0": "EfficientNet-B0",
    "mobilenet-v2": "MobileNetV2",
    "mnasnet-a1": "MnasNet-A1",
    "resnet-50": "ResNet-50",
}
_COUNTED = ("macs", "params", "memory_bytes")
_TOTAL_MEMORY = "total_memory_bytes"
_WEIGHT_BYTES = 4


@dataclass(frozen=True)
class Published:
    """One cost of published networks.

    Attributes:
        costs: by the network's name.
        inputs: at which resolution and classes, in words.
    """

    costs: dict[str, int]
    inputs: str


def published_costs(data: RunData, metric: str) -> Published | None:
    """A cost of published networks; None for one that cannot be counted, such as a latency.

    At the trials' resolution and classes where all trials agree on them, else at their own.
    """
    batch = data.record["config"].get("memory_batch")
    if metric not in _COUNTED and (metric != _TOTAL_MEMORY or batch is None):
        return None
    inputs = {(network.resolution, network.classes) for network in data.networks if network}
    costs, said = {}, "each at its own resolution"
    for name, label in REFERENCES.items():
        network = load_zoo(name)
        if len(inputs) == 1:
            [(resolution, classes)] = inputs
            network = replace(network, resolution=resolution, classes=classes)
            said = f"at {resolution} pixels, {classes} classes"
        costs[label] = _cost(network, metric, batch)
    return Published(costs, said)


def draw_published(
    axes: "Axes",
    published: Published,
    metric: str,
    searched: tuple[float, float],
    target: float | None,
) -> None:
    """A strip with the published networks, the span of costs that was searched, and the target."""
    low, high = searched
    axes.axvspan(low, max(high, low * 1.01), color=SKY, alpha=0.45, linewidth=0)
    if target:
        axes.axvline(target, color=VERMILION, linestyle="--", linewidth=1.2)
    # Neighbours on the axis stand at different heights, so that their names do not meet.
    ordered = sorted(published.costs.items(), key=lambda item: item[1])
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
    values = [*published.costs.values(), low, high, target or low]
    room = (max(values) / min(values)) ** 0.25  # for the names of the outermost
    axes.set_xlim(min(values) / max(3.2, room), max(values) * max(2.2, room))
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.minorticks_off()
    _count_ticks(axes, metric)
    axes.set_title(
        f"Published networks by cost only, {published.inputs}: their accuracy here is not measured",
        fontsize=8.5,
        loc="left",
    )


def _cost(network: Architecture, metric: str, batch: int | None) -> int:
    counted = cost(network)
    if metric == _TOTAL_MEMORY:
        return _WEIGHT_BYTES * counted.params + (batch or 1) * counted.memory_bytes
    return int(getattr(counted, metric))


def _count_ticks(axes: "Axes", metric: str) -> None:
    low, high = axes.get_xlim()
    steps = [digit * 10.0**power for power in range(4, 13) for digit in (1, 2, 5)]
    shown = [value for value in steps if low <= value <= high]
    axes.set_xticks(shown, [_short(number(metric, value)) for value in shown])


def _short(text: str) -> str:
    """A round amount without its zeros: `400M` for `400.0M`."""
    return re.sub(r"\.0+(?=\D)", "", text)

"""Published networks on a scale of costs: where they lie beside what a search looked at."""

import re
from dataclasses import dataclass, replace

from effsearch.results.formatting import number
from effsearch.results.plots.panel import Panel, Series, Upright
from effsearch.results.plots.style import INK, VERMILION, is_narrow
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.zoo import load_zoo

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


def published_panel(
    published: Published,
    metric: str,
    searched: tuple[float, float],
    target: float | None,
) -> Panel:
    """A strip with the published networks, the span of costs that was searched, and the target."""
    low, high = searched
    ordered = sorted(published.costs.items(), key=lambda item: item[1])
    names = [f"{label} {number(metric, value)}" for label, value in ordered]
    values = [*published.costs.values(), low, high, target or low]
    # Room for the names of the outermost.
    room = (max(values) / min(values)) ** (0.45 if is_narrow() else 0.25)
    ends = min(values) / max(3.2, room), max(values) * max(2.2, room)
    return Panel(
        id=f"published-{metric}",
        x_label="",
        y_label="",
        series=[
            Series(
                label="published, by cost alone",
                x=[float(value) for _, value in ordered],
                # Neighbours on the axis stand at different heights.
                y=[(0.15, 0.43, 0.71)[place % 3] for place in range(len(ordered))],
                color=INK,
                marker="D",
                names=names,
                hover=names,
            )
        ],
        uprights=[Upright(x=target, label="target", color=VERMILION, dashed=True)]
        if target
        else [],
        span=(low, max(high, low * 1.01), "costs searched"),
        x_log=True,
        title=f"Published networks by cost only, {published.inputs}: their accuracy here is not "
        "measured",
        height=0.8,
        y_hidden=True,
        x_range=ends,
        y_range=(0, 1),
        ticks=_count_ticks(ends, metric),
    )


def _cost(network: Architecture, metric: str, batch: int | None) -> int:
    counted = cost(network)
    if metric == _TOTAL_MEMORY:
        return _WEIGHT_BYTES * counted.params + (batch or 1) * counted.memory_bytes
    return int(getattr(counted, metric))


def _count_ticks(ends: tuple[float, float], metric: str) -> list[tuple[float, str]]:
    low, high = ends
    digits = (1,) if is_narrow() else (1, 2, 5)
    steps = [digit * 10.0**power for power in range(4, 13) for digit in digits]
    return [(value, _short(number(metric, value))) for value in steps if low <= value <= high]


def _short(text: str) -> str:
    """A round amount without its zeros: `400M` for `400.0M`."""
    return re.sub(r"\.0+(?=\D)", "", text)

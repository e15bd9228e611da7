"""The metrics of a network: name, unit, how each is written and read, and which way is better.

A new cost is an entry here and its function in `effsearch.nas.cost_model`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from effsearch.search_spaces.units import (
    format_bytes,
    format_count,
    format_ms,
    parse_bytes,
    parse_count,
    parse_milliseconds,
)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that networks are judged by.

    Attributes:
        name: key in ledgers, tables and answers; it ends in the unit where there is one.
        label: what it is, after its amount in a sentence: `400.0M multiply-adds`.
        short: what it is in a message, before its amount.
        axis: label of an axis.
        column: head of its column among the best networks; None where it has none.
        unit: `B` for bytes, `ms`; empty for a number without one.
        format: writes an amount with its unit.
        parse: reads what a user writes; None where nobody gives one.
        target: the setting that holds a wanted amount; None where there is none.
        larger_is_better: true of accuracy and reward, false of costs.
    """

    name: str
    label: str
    short: str = ""
    axis: str = ""
    column: str | None = None
    unit: str = ""
    format: Callable[[float], str]
    parse: Callable[[str | float], float] | None = None
    target: str | None = None
    larger_is_better: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "short", self.short or self.name)
        object.__setattr__(self, "axis", self.axis or self.label)


def _to_four_places(value: float) -> str:
    return f"{value:.4f}"


METRICS = {
    metric.name: metric
    for metric in (
        Metric(name="accuracy", label="accuracy", format=_to_four_places, larger_is_better=True),
        Metric(name="reward", label="reward", format=_to_four_places, larger_is_better=True),
        Metric(
            name="macs",
            label="multiply-adds",
            axis="MACs: multiply-adds of convolutions and linear layers, batch 1",
            column="MACs",
            format=format_count,
            parse=parse_count,
            target="target_flops",
        ),
        Metric(
            name="params",
            label="parameters",
            column="params",
            format=format_count,
            parse=parse_count,
            target="target_params",
        ),
        Metric(
            name="memory_bytes",
            label="activation memory",
            short="memory",
            axis="peak activation memory of one image, float32",
            unit="B",
            format=format_bytes,
            parse=parse_bytes,
            target="target_memory",
        ),
        Metric(
            name="total_memory_bytes",
            label="memory of weights and activations",
            short="total memory",
            axis="weights and peak activations of a batch, float32",
            column="memory",
            unit="B",
            format=format_bytes,
        ),
        Metric(
            name="latency_ms",
            label="latency",
            short="latency",
            axis="latency as predicted by the table (ms)",
            column="latency",
            unit="ms",
            format=format_ms,
            parse=parse_milliseconds,
            target="target_latency",
        ),
        Metric(
            name="predicted_latency_ms",
            label="predicted latency",
            column="predicted",
            unit="ms",
            format=format_ms,
        ),
    )
}
"""By name, in the order tables show them."""

_BY_SUFFIX = {"bytes": format_bytes, "_ms": format_ms, "reward": _to_four_places}


def find_metric(name: str) -> Metric:
    """The metric of that name; of another one, as an evaluator measures, the unit is its suffix."""
    if name in METRICS:
        return METRICS[name]
    if name == "flops":  # what some evaluators call them
        return METRICS["macs"]
    formats = (written for suffix, written in _BY_SUFFIX.items() if name.endswith(suffix))
    return Metric(name=name, label=name, format=next(formats, _as_it_is))


def _as_it_is(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"

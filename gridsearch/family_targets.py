"""The φ of `effsearch scale` for a wanted cost: what is counted, and a latency that is measured."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from effsearch.latency.base_meter import Meter, measure
from effsearch.latency.command_meter import CommandMeter
from effsearch.latency.meter import make_meter
from effsearch.latency.options import TIMEOUT, LatencyOptions
from effsearch.latency.scaling import scale_to_latency
from effsearch.results.formatting import number
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InfeasibleError
from effsearch.search_spaces.scaling import Coefficients, Rounding
from effsearch.search_spaces.scaling_search import Metric, scale_to_cost
from effsearch.search_spaces.units import format_count, format_ms

_CLOSE = 0.03  # a budget missed by more than this is worth a word
_FARTHEST = 2.0  # times the target, or a part of it: a step of φ, and no rounding is so coarse
_UNITS = {"macs": " MACs", "memory_bytes": " activation memory", "latency_ms": ""}


@dataclass(frozen=True, kw_only=True)
class MeterOptions:
    """On what a latency is measured.

    Attributes:
        backend: `torch` or `onnxruntime`; None for the one that runs the type.
        device: `cpu`, `cuda` or `cuda:1`.
        dtype: of weights and activations.
        threads: on a CPU.
        batch: images at a time.
        command: that runs `{onnx}` and prints milliseconds, in place of backend and device.
        timeout: seconds that one call of the command may take.
    """

    backend: str | None = None
    device: str = "cpu"
    dtype: str = "float32"
    threads: int = 1
    batch: int = 1
    command: str | None = None
    timeout: float = TIMEOUT

    @classmethod
    def named(cls, options: LatencyOptions) -> "MeterOptions | None":
        """What options say of it; None where they leave all open."""
        left_open = LatencyOptions()
        flat = {item.name: f"latency_{item.name}" for item in fields(cls)}
        named = {
            name: getattr(options, key)
            for name, key in flat.items()
            if getattr(options, key) != getattr(left_open, key)
        }
        return cls(**named) if named else None

    def make(self) -> Meter:
        """The meter.

        Raises:
            InputError: it is none.
            MissingResourceError: the device is not there.
        """
        if self.command is not None:
            return CommandMeter(self.command, timeout=self.timeout, batch=self.batch)
        return make_meter(
            self.backend,
            self.device,
            dtype=self.dtype,
            threads=self.threads,
            batch=self.batch,
        )


@dataclass(frozen=True, kw_only=True)
class FoundPhi:
    """The φ whose network comes closest to a wanted cost.

    Attributes:
        metric: `macs`, `memory_bytes` or `latency_ms`.
        target: as wanted.
        phi: of the network.
        reached: what it costs.
        measured: of a latency, what it was measured with and every φ that was tried.
    """

    metric: str
    target: float
    phi: float
    reached: float
    measured: dict[str, Any] | None = None

    @property
    def error(self) -> float:
        """Relative distance from the target; negative where the network is cheaper."""
        return self.reached / self.target - 1.0

    @property
    def line(self) -> str:
        """In words."""
        wanted, got = number(self.metric, self.target), number(self.metric, self.reached)
        said = (
            f"phi = {self.phi:g} comes closest to {wanted}: {got}{_UNITS[self.metric]}, "
            f"{self.error:+.1%}"
        )
        if self.measured is not None:
            said += f", measured on {self.measured['device']}"
        close = abs(self.error) <= _CLOSE
        return said if close else f"warning: {said}; nothing nearer is reachable"

    def to_dict(self) -> dict[str, Any]:
        """For `family.json`."""
        found = {
            "metric": self.metric,
            "target": self.target,
            "phi": self.phi,
            "reached": self.reached,
            "relative_error": self.error,
        }
        return found if self.measured is None else found | {"measured": self.measured}


def reach_count(
    metric: Metric,
    target: float,
    baseline: Architecture,
    coefficients: Coefficients,
    rounding: Rounding,
) -> FoundPhi:
    """The φ for a cost that can be counted.

    Raises:
        InfeasibleError: no φ comes near it.
    """
    reached = scale_to_cost(
        baseline,
        "compound",
        target,
        metric=metric,
        coefficients=coefficients,
        rounding=rounding,
    )
    found = FoundPhi(
        metric=metric,
        target=target,
        phi=float(reached.multiplier),
        reached=getattr(reached.cost, metric),
    )
    if abs(math.log(found.reached / target)) > math.log(_FARTHEST):
        raise InfeasibleError(
            f"no phi reaches {number(metric, target)}{_UNITS[metric]}: the closest network, at "
            f"phi = {found.phi:g}, has {number(metric, found.reached)}"
        )
    return found


def reach_latency(
    meter: Meter,
    target_ms: float,
    baseline: Architecture,
    coefficients: Coefficients,
    rounding: Rounding,
    say: Callable[[str], None],
) -> FoundPhi:
    """The φ for a latency; every network tried is measured, at most ten, and told by `say`.

    Raises:
        InfeasibleError: no φ comes near it.
        EffsearchError: a measurement failed.
    """

    def measure_ms(network: Architecture) -> float:
        latency = measure(meter, network)
        macs = format_count(cost(network).macs)
        say(f"measured {format_ms(latency.median_ms)} at {network.resolution} pixels, {macs} MACs")
        if latency.warning:
            say(latency.warning)
        return latency.median_ms

    reached = scale_to_latency(
        baseline, target_ms, measure_ms, coefficients=coefficients, rounding=rounding
    )
    setting = meter.setting
    measured = {
        "backend": setting.backend,
        "device": setting.device,
        "threads": setting.threads,
        "dtype": setting.dtype,
        "batch": setting.batch,
        "versions": setting.versions,
        "tried": [{"phi": phi, "latency_ms": ms} for phi, ms in reached.tried],
    }
    return FoundPhi(
        metric="latency_ms",
        target=target_ms,
        phi=reached.phi,
        reached=reached.latency_ms,
        measured=measured,
    )

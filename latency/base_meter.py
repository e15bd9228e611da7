"""What every meter answers: the latency of a network on one device, with its setting."""

import platform
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from effsearch.latency.program import Program, network_program
from effsearch.latency.timing import Sampling, Timed, Timing, sample
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.units import plural


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a latency depends on beside the network; two latencies compare where these are equal.

    Attributes:
        backend: `torch`, `onnxruntime` or `command`.
        device: the processor's name, such as `AMD EPYC` or `NVIDIA H200`; of a command its text.
        dtype: of weights and activations.
        threads: on a CPU; 0 where that is not ours to say.
        versions: of what runs the network, such as `torch 2.13.0`.
        batch: images at a time.
    """

    backend: str
    device: str
    dtype: str = "float32"
    threads: int = 1
    versions: str = ""
    batch: int = 1


@dataclass(frozen=True, kw_only=True)
class Latency:
    """A measured latency of one network: a whole batch from images to logits.

    Attributes:
        timing: median, p95, spread, runs and noise, in milliseconds.
        setting: backend, device, threads, type, versions and batch.
        resolution: pixels.
    """

    timing: Timing
    setting: Setting
    resolution: int

    @property
    def median_ms(self) -> float:
        """The latency."""
        return self.timing.median_ms

    def to_dict(self) -> dict[str, Any]:
        """Flat, JSON-ready: the fields of timing, setting and resolution."""
        return asdict(self.timing) | asdict(self.setting) | {"resolution": self.resolution}

    @property
    def warning(self) -> str | None:
        """A sentence where the machine was too noisy to trust the numbers, else None."""
        if not self.timing.noisy:
            return None
        return (
            f"noisy machine: {plural(self.timing.disturbed, 'run')} disturbed by other work, "
            f"{self.timing.runs} counted, spread {self.timing.spread:.0%} of the median; stop "
            "other work and measure again"
        )


class Meter(Protocol):
    """Times programs on one device, one at a time."""

    @property
    def setting(self) -> Setting:
        """What every latency of this meter was measured with."""

    def timing(self, program: Program, sampling: Sampling | None = None) -> Timing:
        """Time a program with random weights."""


class DeviceMeter(ABC):
    """A meter of a device within reach, which can hold several programs and run each at will.

    Attributes:
        setting: what every latency of this meter was measured with.
    """

    setting: Setting

    @abstractmethod
    def prepare(self, program: Program) -> Timed:
        """Load a program with random weights, ready to be run again and again."""

    def timing(self, program: Program, sampling: Sampling | None = None) -> Timing:
        """Time a program with random weights: warm-up until steady, then until it is known."""
        return sample(self.prepare(program), sampling)


def measure(
    meter: Meter,
    architecture: Architecture,
    resolution: int | None = None,
    sampling: Sampling | None = None,
) -> Latency:
    """Time one network end to end.

    Args:
        meter: on which device, with which batch and type.
        architecture: the network; its weights are random.
        resolution: pixels, where they differ from the architecture's.
        sampling: how long to measure.
    """
    program = network_program(architecture, resolution)
    return Latency(
        timing=meter.timing(program, sampling),
        setting=meter.setting,
        resolution=program.size,
    )


def cpu_name() -> str:
    """The processor's model, such as `AMD EPYC`."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()

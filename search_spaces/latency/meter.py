"""A meter times networks on one device; whatever the device, it answers in the same terms."""

import platform
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from search_spaces.architecture import Architecture
from search_spaces.errors import InputError, unknown_name
from search_spaces.latency.program import Program, network_program
from search_spaces.latency.timing import Sampling, Timed, Timing, sample

BACKENDS = ("torch", "onnxruntime")
DTYPES = ("float32", "float16", "bfloat16")


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
            f"noisy machine: {self.timing.disturbed} runs disturbed by other work, "
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
    """A meter of a device within reach, which can hold several programs and run each at will."""

    @property
    @abstractmethod
    def setting(self) -> Setting:
        """What every latency of this meter was measured with."""

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


def make_meter(
    backend: str = "torch",
    device: str = "cpu",
    *,
    dtype: str = "float32",
    threads: int = 1,
    batch: int = 1,
    graph: bool = False,
) -> DeviceMeter:
    """The meter of a backend on a device.

    Args:
        backend: `torch` (CPU and CUDA) or `onnxruntime` (CPU). For a command of the user's see
            `command_meter.CommandMeter`.
        device: `cpu`, `cuda` or `cuda:1`.
        dtype: `float32`, `float16` or `bfloat16`; ONNX Runtime runs `float32`.
        threads: of a CPU meter, at least 1.
        batch: images at a time, at least 1.
        graph: on CUDA, replay a captured graph instead of launching kernel by kernel.

    Raises:
        InputError: an unknown or unfit backend, device or type.
        MissingResourceError: the device or the package is not there.
    """
    if backend not in BACKENDS:
        raise unknown_name("latency backend", backend, BACKENDS)
    if dtype not in DTYPES:
        raise unknown_name("type of numbers", dtype, DTYPES)
    for name, value in (("threads", threads), ("batch", batch)):
        if value < 1:
            raise InputError(f"{name} must be at least 1, not {value}")
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise unknown_name("device", device, ("cpu", "cuda"))
    if backend == "onnxruntime":
        if kind != "cpu" or dtype != "float32":
            raise InputError("the backend onnxruntime measures on cpu in float32: use torch")
        from search_spaces.latency.onnx_meter import OnnxMeter

        return OnnxMeter(threads=threads, batch=batch)
    if kind == "cpu":
        from search_spaces.latency.torch_meter import TorchMeter

        return TorchMeter(dtype=dtype, threads=threads, batch=batch)
    from search_spaces.latency.cuda_meter import CudaMeter

    return CudaMeter(device, dtype=dtype, batch=batch, graph=graph)


def cpu_name() -> str:
    """The processor's model, such as `AMD EPYC`."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()

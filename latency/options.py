"""Options of a latency that is measured; what each command measures it for is its own."""

from dataclasses import dataclass
from typing import Annotated

from effsearch.results.config import SECONDS, Option, Settings
from effsearch.search_spaces.int8 import INT8

GROUP = "Latency"
BACKENDS = ("torch", "onnxruntime")
DTYPES = ("float32", "float16", "bfloat16", INT8)
TIMEOUT = 300.0
"""Seconds that one call of a command of the user's may take, unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class LatencyOptions(Settings):
    """On what a latency is measured; None for what a table was measured with, where there is one.

    The device is the CPU of the machine that runs the command, or a GPU of it or of a node of the
    Ray cluster.
    """

    latency_device: Annotated[
        str,
        Option(
            "Device of a measurement: cpu, cuda or cuda:1.",
            GROUP,
            names=lambda: ("cpu", "cuda", "cuda:1"),
        ),
    ] = "cpu"
    latency_backend: Annotated[
        str | None,
        Option(
            "What runs the network: torch or onnxruntime.",
            GROUP,
            "torch; onnxruntime for int8",
            names=lambda: BACKENDS,
        ),
    ] = None
    latency_dtype: Annotated[
        str | None,
        Option(
            "Number format: float32, float16, bfloat16 or int8.",
            GROUP,
            "float32",
            names=lambda: DTYPES,
        ),
    ] = None
    latency_threads: Annotated[int | None, Option("CPU threads of a measurement.", GROUP, "1")] = (
        None
    )
    latency_batch: Annotated[int | None, Option("Images at a time.", GROUP, "1")] = None
    latency_command: Annotated[
        str | None,
        Option(
            "Command that measures instead: it runs {onnx} and prints milliseconds.",
            GROUP,
            metavar="COMMAND",
        ),
    ] = None
    latency_timeout: Annotated[
        float,
        Option(
            "Time limit of one call of the command, such as 30s.",
            GROUP,
            "5m",
            SECONDS,
            may_change=True,
        ),
    ] = TIMEOUT

"""Times programs with torch on the CPU: channels last, inference mode, its own thread count.

torch asks the C library for every tensor. glibc gives large ones back to the system at once, and
the next run pays for thousands of page faults (a network of 19 ms then takes 30), more or fewer
as the sizes happen to fall. So it is told to keep what it has, as the allocators of servers do.
"""

import ctypes

import torch

from effsearch.latency.base_meter import DeviceMeter, Setting, cpu_name
from effsearch.latency.program import Program
from effsearch.latency.timing import Run, Timed, timed_on_cpu
from effsearch.latency.torch_program import TorchProgram
from effsearch.latency.weights import random_weights

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_KEPT_BYTES = 2**30


class TorchMeter(DeviceMeter):
    """torch on the CPU.

    Args:
        dtype: `float32`, `float16` or `bfloat16`.
        threads: of every operation. torch has one count for the whole process: it is set for each
            run and set back after it.
        batch: images at a time.
    """

    def __init__(self, *, dtype: str = "float32", threads: int = 1, batch: int = 1) -> None:
        self._dtype: torch.dtype = getattr(torch, dtype)
        self._threads, self._batch = threads, batch
        kept = ", memory kept" if _keep_memory() else ""
        self.setting = Setting(
            backend="torch",
            device=cpu_name(),
            dtype=dtype,
            threads=threads,
            versions=f"torch {torch.__version__.partition('+')[0]}{kept}",
            batch=batch,
        )

    def prepare(self, program: Program) -> Timed:
        """Load a program with random weights, ready to be run again and again."""
        cpu = torch.device("cpu")
        loaded = TorchProgram(program, random_weights(program), cpu, self._dtype)
        shape = (self._batch, program.in_channels, program.size, program.size)
        images = torch.rand(shape).to(self._dtype).to(memory_format=torch.channels_last)
        timed = timed_on_cpu(lambda: loaded(images), self._threads)

        def once() -> Run:
            before = torch.get_num_threads()
            torch.set_num_threads(self._threads)
            try:
                with torch.inference_mode():
                    return timed()
            finally:
                torch.set_num_threads(before)

        return once


def _keep_memory() -> bool:
    """Have glibc keep freed memory; False with another C library. It is for the whole process."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES) and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES))

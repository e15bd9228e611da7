"""Times programs with torch on a CUDA device, by events on its own stream of work."""

from collections.abc import Callable

import torch
from torch import Tensor

from effsearch.latency.base_meter import DeviceMeter, Setting
from effsearch.latency.program import Program
from effsearch.latency.timing import Run, Timed
from effsearch.latency.torch_program import TorchProgram
from effsearch.latency.weights import random_weights
from effsearch.search_spaces.errors import InputError, MissingResourceError

_CAPTURE_WARM_UP = 3  # runs before a capture: libraries allocate and choose kernels in the first


class CudaMeter(DeviceMeter):
    """torch on one CUDA device. Nothing else may run on it meanwhile.

    Args:
        device: `cuda` or `cuda:1`.
        dtype: `float32`, `float16` or `bfloat16`.
        batch: images at a time.
        graph: replay a captured CUDA graph. Without it a small batch waits for Python to launch
            kernel after kernel, as it does in a plain torch program.

    Raises:
        InputError: the device's number is not a number.
        MissingResourceError: the device is not there.
    """

    def __init__(
        self, device: str = "cuda", *, dtype: str = "float32", batch: int = 1, graph: bool = False
    ) -> None:
        self._device = _find(device)
        self._dtype: torch.dtype = getattr(torch, dtype)
        self._batch, self._graph = batch, graph
        versions = f"torch {torch.__version__.partition('+')[0]}, cuda {torch.version.cuda}"
        self.setting = Setting(
            backend="torch",
            device=torch.cuda.get_device_name(self._device),
            dtype=dtype,
            threads=0,
            versions=versions + (", graph" if graph else ""),
            batch=batch,
        )

    def prepare(self, program: Program) -> Timed:
        """Load a program with random weights, ready to be run again and again."""
        loaded = TorchProgram(program, random_weights(program), self._device, self._dtype)
        shape = (self._batch, program.in_channels, program.size, program.size)
        images = torch.rand(shape, device=self._device).to(self._dtype)
        images = images.to(memory_format=torch.channels_last)
        run = self._captured(loaded, images) if self._graph else lambda: loaded(images)

        def once() -> Run:
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            with torch.inference_mode(), torch.cuda.device(self._device):
                # Work that was queued before must not be waited for between the two events.
                torch.cuda.synchronize()
                start.record()
                run()
                end.record()
                end.synchronize()
            return Run(start.elapsed_time(end))

        return once

    def _captured(self, loaded: TorchProgram, images: Tensor) -> Callable[[], object]:
        with torch.inference_mode(), torch.cuda.device(self._device):
            # A capture needs a stream of its own, and what libraries keep for it a warm-up there.
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_CAPTURE_WARM_UP):
                    loaded(images)
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=stream):
                output = loaded(images)

        # The graph reads and writes their memory and does not hold it, so they live as long as it.
        kept = (loaded, images, output)

        def replay() -> object:
            graph.replay()
            return kept

        return replay


def _find(device: str) -> torch.device:
    try:
        found = torch.device(device)
    except RuntimeError:
        raise InputError(f"'{device}' is not a device: give cuda or cuda:0") from None
    if not torch.cuda.is_available():
        raise MissingResourceError(
            f"device '{device}' was asked for and there is no CUDA device: use --device cpu"
        )
    count = torch.cuda.device_count()
    if (found.index or 0) >= count:
        raise MissingResourceError(f"there is no device '{device}': this machine has {count}")
    return torch.device("cuda", found.index or 0)

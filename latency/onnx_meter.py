"""Times programs with ONNX Runtime on the CPU, from graphs that are written without training."""

from typing import Any

import numpy as np

from effsearch.latency.base_meter import DeviceMeter, Setting, cpu_name
from effsearch.latency.onnx_program import missing, write_onnx
from effsearch.latency.program import Program
from effsearch.latency.timing import Timed, timed_on_cpu
from effsearch.latency.weights import random_weights
from effsearch.search_spaces.int8 import INT8, quantised


class OnnxMeter(DeviceMeter):
    """ONNX Runtime on the CPU, all graph optimisations on.

    In int8 a program is calibrated on random images, as its weights are random: how long integer
    kernels take does not depend on the scales.

    Args:
        dtype: `float32` or `int8`.
        threads: of every operation.
        batch: images at a time.

    Raises:
        MissingResourceError: onnx or onnxruntime is not installed.
    """

    def __init__(self, *, dtype: str = "float32", threads: int = 1, batch: int = 1) -> None:
        try:
            import onnx  # noqa: F401  what writes the graphs
            import onnxruntime
        except ImportError as problem:
            raise missing(str(problem.name)) from None
        self._runtime: Any = onnxruntime
        self._threads, self._batch = threads, batch
        self.setting = Setting(
            backend="onnxruntime",
            device=cpu_name(),
            dtype=dtype,
            threads=threads,
            versions=f"onnxruntime {onnxruntime.__version__}",
            batch=batch,
        )

    def prepare(self, program: Program) -> Timed:
        """Load a program with random weights, ready to be run again and again."""
        model = write_onnx(program, random_weights(program), self._batch)
        shape = (self._batch, program.in_channels, program.size, program.size)
        images = np.random.default_rng(0).random(shape, np.float32)
        is_int8 = self.setting.dtype == INT8
        session = self.session(
            quantised(model, [{"images": images}]) if is_int8 else model.SerializeToString()
        )
        # Bound once, so that a run copies nothing in and allocates nothing.
        binding = session.io_binding()
        binding.bind_cpu_input("images", images)
        binding.bind_output("output", "cpu")
        return timed_on_cpu(lambda: session.run_with_iobinding(binding), self._threads)

    def session(self, model: bytes) -> Any:
        """An inference session with this meter's threads."""
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return self._runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

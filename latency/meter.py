"""The meters by name: which one times networks on a device."""

from effsearch.latency.base_meter import DeviceMeter
from effsearch.latency.options import BACKENDS, DTYPES
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.int8 import INT8, check_runs_int8


def backend_of(dtype: str | None) -> str:
    """What runs a type of numbers where no backend is named; None for float32."""
    return "onnxruntime" if dtype == INT8 else "torch"


def make_meter(
    backend: str | None = None,
    device: str = "cpu",
    *,
    dtype: str = "float32",
    threads: int = 1,
    batch: int = 1,
    graph: bool = False,
) -> DeviceMeter:
    """The meter of a backend on a device.

    Args:
        backend: `torch` (CPU and CUDA) or `onnxruntime` (CPU); None for the one that runs the type.
            For a command of the user's see `command_meter.CommandMeter`.
        device: `cpu`, `cuda` or `cuda:1`.
        dtype: `float32`, `float16` or `bfloat16` with torch, `float32` or `int8` with ONNX Runtime.
        threads: of a CPU meter, at least 1.
        batch: images at a time, at least 1.
        graph: on CUDA, replay a captured graph instead of launching kernel by kernel.

    Raises:
        InputError: an unknown or unfit backend, device or type.
        MissingResourceError: the device or the package is not there.
    """
    backend = backend or backend_of(dtype)
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
    if dtype == INT8:
        check_runs_int8(kind)
        if backend == "torch":
            raise InputError("int8 runs on ONNX Runtime: take the backend onnxruntime")
    if backend == "onnxruntime":
        if kind != "cpu" or dtype not in ("float32", INT8):
            raise InputError(
                "the backend onnxruntime measures on cpu in float32 or int8: use torch"
            )
        from effsearch.latency.onnx_meter import OnnxMeter

        return OnnxMeter(dtype=dtype, threads=threads, batch=batch)
    if kind == "cpu":
        from effsearch.latency.torch_meter import TorchMeter

        return TorchMeter(dtype=dtype, threads=threads, batch=batch)
    from effsearch.latency.cuda_meter import CudaMeter

    return CudaMeter(device, dtype=dtype, batch=batch, graph=graph)

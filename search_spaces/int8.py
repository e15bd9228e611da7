"""A network's ONNX graph in eight-bit integers, as it is deployed on a CPU.

Static quantisation by ONNX Runtime: weights in int8 with a scale for each output channel,
activations in uint8 with a scale for each tensor, found on the images that the graph is calibrated
on. Quantise and dequantise nodes stand in the graph (QDQ), and ONNX Runtime fuses them into
integer kernels.
"""

import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.search_spaces.errors import EffsearchError, InputError, MissingResourceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto

INT8 = "int8"

# What has weights; a graph without any of them would be written as it is, and called int8.
_WEIGHTED = ("Conv", "Gemm", "MatMul")


def quantised(model: "ModelProto", feeds: Iterable[Mapping[str, "NDArray[np.float32]"]]) -> bytes:
    """An ONNX model in int8, as the bytes of its file.

    Args:
        model: in float32, without stated shapes of its weights; left as it is.
        feeds: by name the inputs of each calibration run, at least one; the smallest and largest
            value of every activation in all runs make its scale.

    Raises:
        MissingResourceError: onnx or onnxruntime is not installed.
        InputError: the network cannot be quantised; the message says why.
        EffsearchError: there is no room for temporary files.
    """
    quantization = _quantization()
    _check_weights(model)
    reader = _reader(quantization, iter(feeds))
    with tempfile.TemporaryDirectory(prefix="effsearch-int8-") as folder, _quiet():
        given, path = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        given.write_bytes(model.SerializeToString())  # given in memory, it would be changed
        try:
            quantization.quantize_static(
                given,
                path,
                reader,
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                # Unsigned by signed is the pair that x86's integer instructions multiply.
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
            made = path.read_bytes()
        except OSError as problem:
            raise EffsearchError(f"cannot write to {folder}: {problem.strerror}") from problem
        except AssertionError as problem:  # a scale that it asserts to be a number
            raise _refusal("its activations are not finite numbers") from problem
        except Exception as problem:  # the quantiser has no error of its own
            raise _refusal(_first_line(problem)) from problem
    return made


def check_runs_int8(device: str) -> None:
    """Refuse a device that does not run int8.

    Args:
        device: `auto`, `cpu`, `cuda`, `cuda:1`.

    Raises:
        InputError: it is not the CPU.
    """
    if device not in ("auto", "cpu"):
        raise InputError(f"int8 runs on the cpu, by ONNX Runtime, not on {device}: take cpu")


def _check_weights(model: "ModelProto") -> None:
    """Whether there is something to quantise, and in numbers."""
    import numpy as np
    from onnx import numpy_helper

    if not any(node.op_type in _WEIGHTED for node in model.graph.node):
        raise _refusal(f"it has none of {', '.join(_WEIGHTED)}")
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and not np.isfinite(values).all():
            raise _refusal("its weights are not finite numbers")


def _refusal(why: str) -> InputError:
    return InputError(f"the network cannot be quantised to int8: {why}; take float32")


def _first_line(problem: Exception) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]


def _quantization() -> Any:
    try:
        import onnx  # noqa: F401  what the quantiser reads and writes
        from onnxruntime import quantization
    except ImportError as problem:
        raise MissingResourceError(
            f"int8 needs the package {problem.name}: pip install 'effsearch[onnx]'"
        ) from None
    return quantization


def _reader(quantization: Any, feeds: Iterator[Mapping[str, Any]]) -> Any:
    class Feeds(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> Mapping[str, Any] | None:
            return next(feeds, None)

    return Feeds()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the quantiser's warnings: that a graph was not preprocessed (ours needs none), and
    numpy's of the numbers that it then refuses."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            yield
    finally:
        logging.disable(before)

"""The formats a model is exported to: each writes a file, and gives a way to run that file.

ONNX and TorchScript hold the normalisation: they take plain pixels, so that nobody who uses them
has to know mean and deviation. Safetensors hold the weights alone.
"""

import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor, nn

from effsearch.results.store.files import write_bytes_atomically
from effsearch.search_spaces.conditional import CondConv2d
from effsearch.search_spaces.errors import MissingResourceError
from effsearch.search_spaces.network import Network, build_network
from effsearch.search_spaces.notation import format_architecture
from effsearch.training.models.block_places import Library
from effsearch.training.models.model_file import ModelInfo, read_model, save_model
from effsearch.training.models.published_weights import load_published_weights, to_published

if TYPE_CHECKING:
    from onnx import ModelProto

INPUT, OUTPUT = "pixels", "logits"
# Of one dimension 1 the exporter would believe that it is always 1.
_EXAMPLE_IMAGES = 2


# From pixels, float32 (N, 3, R, R) in 0..255, to logits (N, classes), by the file alone.
Run: TypeAlias = Callable[[Tensor], Tensor]


class PixelNetwork(nn.Module):
    """A network that normalises its own input: pixels (N, 3, R, R) in 0..255 to logits."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, info: ModelInfo) -> None:
        super().__init__()
        self.network = network
        for module in network.modules():
            if isinstance(module, CondConv2d):
                module.any_batch = True  # a graph is of no batch's size
        self.register_buffer("mean", torch.tensor(info.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(info.std).view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.network((pixels - self.mean) / self.std)
        return logits


def metadata(info: ModelInfo) -> dict[str, str]:
    """What a file says of itself, text to text."""
    return {
        "architecture": format_architecture(info.architecture),
        "class_names": json.dumps(info.class_names),
        "resolution": str(info.resolution),
        "crop_ratio": str(info.crop_ratio),
        "mean": json.dumps(info.mean),
        "std": json.dumps(info.std),
    }


def pixels_metadata(info: ModelInfo) -> dict[str, str]:
    """The same for a graph that normalises."""
    return metadata(info) | {
        "normalisation": "inside the graph: feed pixels, not normalised ones",
        INPUT: "float32 (N, 3, resolution, resolution), RGB, 0..255",
        OUTPUT: "float32 (N, classes), before softmax",
    }


def write_onnx(path: Path, network: Network, info: ModelInfo) -> Run:
    """An ONNX graph with a free batch dimension, run by ONNX Runtime on the CPU.

    Raises:
        MissingResourceError: onnx, onnxscript or onnxruntime is not installed.
        EffsearchError: the file cannot be written.
    """
    write_bytes_atomically(path, onnx_model(network, info).SerializeToString())
    return run_onnx(path)


def onnx_model(network: Network, info: ModelInfo) -> "ModelProto":
    """The ONNX graph from pixels to logits, which tools that rewrite graphs accept.

    Raises:
        MissingResourceError: onnx, onnxscript or onnxruntime is not installed.
    """
    try:
        import onnxruntime  # noqa: F401  # without it the graph could not be checked
        import onnxscript  # noqa: F401  # torch's exporter needs it and says so less clearly
    except ImportError as error:
        raise MissingResourceError(
            f"ONNX needs the package '{error.name}': pip install 'effsearch[onnx]'"
        ) from None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside torch and onnxscript
        program = torch.onnx.export(
            PixelNetwork(network, info).eval(),
            (_example(info),),
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
    assert program is not None
    program.model.metadata_props.update(pixels_metadata(info))
    return _quantisable(program.model_proto)


def run_onnx(file: Path | bytes) -> Run:
    """What runs an exported graph, a file or the bytes of one, by ONNX Runtime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])

    def run(pixels: Tensor) -> Tensor:
        return torch.from_numpy(session.run([OUTPUT], {INPUT: pixels.numpy()})[0])

    return run


def _quantisable(model: "ModelProto") -> "ModelProto":
    """The ONNX model without the shapes that torch's exporter states of weights.

    A weight's shape stands with its values. Stated again, it is in the way of tools that rewrite
    weights: ONNX Runtime's quantisation transposes them, and refuses the shape of before.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    rest = [value for value in model.graph.value_info if value.name not in weights]
    del model.graph.value_info[:]
    model.graph.value_info.extend(rest)
    return model


def write_torchscript(path: Path, network: Network, info: ModelInfo) -> Run:
    """A traced TorchScript module; what it says of itself lies in `metadata.json` inside.

    Raises:
        EffsearchError: the file cannot be written.
    """
    stream = io.BytesIO()
    about = {"metadata.json": json.dumps(pixels_metadata(info))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of TorchScript's deprecation
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            PixelNetwork(network, info).eval(), _example(info)
        )
        torch.jit.save(traced, stream, _extra_files=about)
        write_bytes_atomically(path, stream.getvalue())
        run: Run = torch.jit.load(path)  # type: ignore[no-untyped-call]
    return run


def write_safetensors(path: Path, network: Network, info: ModelInfo) -> Run:
    """A model file of ours, which `effsearch.load_model` and every command read.

    Raises:
        EffsearchError: the file cannot be written.
    """
    save_model(path, network.state_dict(), info)
    return PixelNetwork(*read_model(path)).eval()


def write_published(path: Path, network: Network, info: ModelInfo, library: Library) -> Run:
    """The weights alone under the names of `timm` or `torchvision`.

    Raises:
        InputError: the library has no such network.
        EffsearchError: the file cannot be written.
    """
    from safetensors.torch import save

    state = to_published(info.architecture, network.state_dict(), library)
    plain = {name: tensor.contiguous() for name, tensor in state.items()}
    about = {"format": "pt", "names": library} | metadata(info)
    write_bytes_atomically(path, save(plain, metadata=about))
    rebuilt = build_network(info.architecture, classes=info.classes, in_channels=3)
    load_published_weights(rebuilt, path)
    return PixelNetwork(rebuilt, info).eval()


def _example(info: ModelInfo) -> Tensor:
    return torch.zeros(_EXAMPLE_IMAGES, 3, info.resolution, info.resolution)

"""A trained model in int8, calibrated on its validation part, and the accuracy that is lost.

What is evaluated is the graph that is exported: pixels in, normalisation inside.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.int8 import check_runs_int8, quantised
from effsearch.search_spaces.network import Network
from effsearch.training.data.named_columns import ANY_COLUMNS, Columns
from effsearch.training.export.formats import INPUT, PixelNetwork, Run, onnx_model, run_onnx
from effsearch.training.loop.evaluated_part import HeldBack, open_part
from effsearch.training.loop.evaluation import Evaluation
from effsearch.training.models.model_file import ModelInfo, read_model

CALIBRATION_IMAGES = 256
_CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The images that scales of activations were found on.

    Attributes:
        images: how many.
        data: name of the dataset.
        part: of it, `validation`.
    """

    images: int
    data: str
    part: str = "validation"

    def __str__(self) -> str:
        return f"calibrated on {self.images} images of {self.data}, {self.part} part"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A model in float32 and in int8 on the same images.

    Attributes:
        float32, int8: what each reaches.
        data, part: what the images are of.
        calibration: of the int8 model.
        notices: what the user should hear of the data, a line each.
    """

    float32: Evaluation
    int8: Evaluation
    data: str
    part: str
    calibration: Calibration
    notices: tuple[str, ...] = ()

    @property
    def top1_lost(self) -> float:
        """Of the accuracy, a fraction; negative where int8 is better."""
        return self.float32.top1 - self.int8.top1

    @property
    def line(self) -> str:
        """Both accuracies with their conditions."""
        return (
            f"top-1 {self.float32.top1:.2%} in float32, {self.int8.top1:.2%} in int8 "
            f"({100 * (self.int8.top1 - self.float32.top1):+.2f} points) on "
            f"{self.int8.images:,} images of {self.data}, {self.part} part; {self.conditions}"
        )

    @property
    def conditions(self) -> str:
        """How int8 was calibrated, and whether on what it was evaluated on."""
        both = (self.data, self.part) == (self.calibration.data, self.calibration.part)
        return f"{self.calibration}{', which is evaluated here too' if both else ''}"

    def to_dict(self) -> dict[str, Any]:
        """In short, for a document."""
        return {
            "float32": {"top1": self.float32.top1, "top5": self.float32.top5},
            "int8": {"top1": self.int8.top1, "top5": self.int8.top5},
            "top1_lost": self.top1_lost,
            "images": self.int8.images,
            "data": self.data,
            "part": self.part,
            "calibration": asdict(self.calibration),
        }


def quantised_model(
    network: Network,
    info: ModelInfo,
    *,
    data: str | None = None,
    skip_bad: bool = False,
    columns: Columns = ANY_COLUMNS,
) -> tuple[bytes, Calibration]:
    """The ONNX file of a model in int8.

    Args:
        network: in evaluation mode.
        info: of it; its own data's validation part calibrates.
        data: whose validation part calibrates where the model's own has none, or is not here.
        skip_bad, columns: as of `evaluate_checkpoint`, of that data.

    Raises:
        InputError: there is no validation part, or the network cannot be quantised.
        MissingResourceError: onnx, onnxscript or onnxruntime is not installed.
    """
    graph = onnx_model(network, info)
    held = _calibration_part(info, data, skip_bad, columns)
    seen = 0

    def feeds() -> Iterator[dict[str, Any]]:
        nonlocal seen
        for images, _ in held.batches():
            seen += len(images)
            yield {INPUT: images.float().contiguous().numpy()}

    made = quantised(graph, feeds())
    return made, Calibration(images=seen, data=held.data)


def evaluate_int8(
    path: Path,
    *,
    data: str | None = None,
    part: str | None = None,
    device: str = "auto",
    skip_bad: bool = False,
    columns: Columns = ANY_COLUMNS,
) -> Compared:
    """Evaluate a model file in float32 and in int8, both on the CPU.

    Args:
        path, data, part, device, skip_bad, columns: as of `evaluate_checkpoint`.

    Raises:
        InputError: as `evaluate_checkpoint` and `quantised_model`; a device other than the CPU.
        MissingResourceError: onnx, onnxscript or onnxruntime is not installed.
    """
    check_runs_int8(device)
    network, info = read_model(path)
    held = open_part(info, _CPU, data=data, part=part, skip_bad=skip_bad, columns=columns)
    made, calibration = quantised_model(
        network, info, data=data, skip_bad=skip_bad, columns=columns
    )
    return compare(network, run_onnx(made), info, held, calibration)


def compare(
    network: Network, run: Run, info: ModelInfo, held: HeldBack, calibration: Calibration
) -> Compared:
    """Evaluate a network by torch, and its graph in int8, on one part.

    Args:
        network: in float32.
        run: runs the graph in int8.
        info: of the network.
        held: the part, on the CPU.
        calibration: of the graph.
    """
    as_they_are = torch.zeros(3), torch.ones(3)
    plain = PixelNetwork(network, info).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Compared(
        float32=held.evaluate(plain, *as_they_are),
        int8=held.evaluate(_Graph(run), *as_they_are),
        data=held.data,
        part=held.part,
        calibration=calibration,
        notices=held.notices,
    )


class _Graph(nn.Module):
    """A graph outside torch, evaluated as a network is."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def forward(self, pixels: Tensor) -> Tensor:
        return self._run(pixels.contiguous())


def _calibration_part(
    info: ModelInfo, data: str | None, skip_bad: bool, columns: Columns
) -> HeldBack:
    """The validation part of the model's own data, else of the data named."""

    def validation(data: str | None, columns: Columns) -> HeldBack:
        return open_part(
            info,
            _CPU,
            data=data,
            part="validation",
            skip_bad=skip_bad,
            columns=columns,
            most=CALIBRATION_IMAGES,
        )

    try:
        return validation(None, columns if data is None else ANY_COLUMNS)
    except InputError as problem:
        if data is not None and data != info.data_name:
            return validation(data, columns)
        why, _, _ = str(problem).partition(": evaluate on")  # is no cure here
        raise InputError(
            f"int8 is calibrated on images of a validation part, and {why}: name --data that "
            "has one"
        ) from None

"""Export of a trained model: written aside, run on real images, and put in place if it agrees."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.results.store.files import cannot_write, write_atomically
from effsearch.search_spaces.errors import EffsearchError, InputError, unknown_name
from effsearch.search_spaces.int8 import INT8
from effsearch.training.export.exported import Export

if TYPE_CHECKING:
    from torch import Tensor

    from effsearch.search_spaces.network import Network
    from effsearch.training.export.formats import Run
    from effsearch.training.export.int8 import Compared
    from effsearch.training.models.model_file import ModelInfo

# Format to the suffix of its files.
FORMATS: Mapping[str, str] = {
    "safetensors": ".safetensors",
    "onnx": ".onnx",
    "torchscript": ".pt",
}
NAMES = ("effsearch", "timm", "torchvision")
DTYPES = ("float32", INT8)
TOLERANCE = 1e-4
# Images on which the accuracy in int8 is measured: it is then known to about a point.
_MEASURED_ON = 2000


def check_export_options(format: str, names: str, dtype: str = DTYPES[0]) -> None:
    """Refuse what no export can be made of, before anything is read.

    Raises:
        InputError: an unknown format, naming or type of numbers, or one that the format has not.
    """
    if dtype not in DTYPES:
        raise unknown_name("type of numbers", dtype, DTYPES)
    if dtype == INT8 and format != "onnx":
        raise InputError(f"int8 is for the format onnx: {format} is in float32")
    if format not in FORMATS:
        raise unknown_name("export format", format, FORMATS)
    if names not in NAMES:
        raise unknown_name("naming of tensors", names, NAMES)
    if names != NAMES[0] and format != "safetensors":
        raise InputError(f"names of {names} are for the format safetensors: {format} has none")


def export_model(
    checkpoint: Path,
    output: Path | None,
    *,
    format: str,
    images: "Tensor",
    images_from: str,
    names: str = "effsearch",
    dtype: str = DTYPES[0],
    data: str | None = None,
) -> Export:
    """Export a model file, and write a model card beside it.

    Args:
        checkpoint: a model file.
        output: the file to write; its card is `<output>.md`. What is there is replaced, but only
            by an export that passed its check. None writes beside the checkpoint.
        format: one of `FORMATS`.
        images: uint8 (N, 3, R, R) of the model's resolution R, N ≥ 1, to check the export on.
        images_from: the data they come from.
        names: of the tensors in a safetensors file.
        dtype: `float32`, or `int8` for ONNX: the graph is checked in float32, then quantised, and
            both are evaluated on up to 2,000 images of the test part, else the validation part.
        data: in int8, whose test part is evaluated, and whose validation part calibrates where the
            model's own data has none; None for the model's own.

    Raises:
        InputError: unknown format, names or type, a checkpoint that cannot be read, a network that
            the library of the names does not have; in int8 no validation part.
        MissingResourceError: a package is missing.
        EffsearchError: the logits are not torch's within 1e-4 (of the largest one below 1, within
            1e-5 of it beyond 10), or a file cannot be written.
    """
    check_export_options(format, names, dtype)
    output = _place(checkpoint, output, format, names, dtype)
    from effsearch.training.export.card import model_card
    from effsearch.training.export.loading_code import timm_verdict
    from effsearch.training.models.model_file import read_model

    network, info = read_model(checkpoint)
    temporary = output.parent / f".{output.name}.{secrets.token_hex(6)}.tmp"
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        run = _write(temporary, network, info, format, names)
        difference = _checked_difference(run, network, info, images, output)
        int8 = _quantise(temporary, network, info, data) if dtype == INT8 else None
        export = Export(
            path=output,
            card=output.with_name(f"{output.name}.md"),
            format=format,
            names=names,
            images=len(images),
            images_from=images_from,
            largest_difference=difference,
            timm=timm_verdict(info),
            int8=int8,
        )
        os.replace(temporary, output)
    except OSError as problem:
        raise cannot_write(output, problem) from problem
    except EffsearchError as problem:
        if isinstance(problem.__cause__, OSError):  # told of the temporary file
            raise cannot_write(output, problem.__cause__) from problem.__cause__
        raise
    finally:
        with suppress(OSError):
            temporary.unlink()
    write_atomically(export.card, model_card(export, info))
    return export


def _place(checkpoint: Path, output: Path | None, format: str, names: str, dtype: str) -> Path:
    if output is None:
        own = f".{names}" if format == "safetensors" else ""
        own = f".{INT8}" if dtype == INT8 else own
        return checkpoint.with_suffix(own + FORMATS[format])
    if os.path.isdir(output):  # where `Path.is_dir` raises an OSError on a very long text
        raise InputError(f"output '{output}' is a folder: give the file to write")
    if os.path.exists(output) and checkpoint.exists() and output.samefile(checkpoint):
        raise InputError(f"output '{output}' is the checkpoint itself: give another file")
    return output


def _write(path: Path, network: "Network", info: "ModelInfo", format: str, names: str) -> "Run":
    from effsearch.training.export import formats

    if format == "onnx":
        return formats.write_onnx(path, network, info)
    if format == "torchscript":
        return formats.write_torchscript(path, network, info)
    if names == NAMES[0]:
        return formats.write_safetensors(path, network, info)
    return formats.write_published(path, network, info, names)  # type: ignore[arg-type]


def _quantise(path: Path, network: "Network", info: "ModelInfo", data: str | None) -> "Compared":
    """Write the graph in int8 over that in float32, and measure what it loses."""
    import torch

    from effsearch.results.store.files import write_bytes_atomically
    from effsearch.training.export.formats import run_onnx
    from effsearch.training.export.int8 import compare, quantised_model
    from effsearch.training.loop.evaluated_part import open_part

    made, calibration = quantised_model(network, info, data=data)
    held = open_part(info, torch.device("cpu"), data=data, most=_MEASURED_ON)
    compared = compare(network, run_onnx(made), info, held, calibration)
    write_bytes_atomically(path, made)
    return compared


def _checked_difference(
    run: "Run", network: "Network", info: "ModelInfo", images: "Tensor", output: Path
) -> float:
    """The largest difference between the file's logits and torch's, on all images at once and on
    one alone (so that the batch dimension is known to be free)."""
    import torch

    from effsearch.training.export.formats import PixelNetwork

    pixels = images.float().contiguous()
    with torch.inference_mode():
        expected = PixelNetwork(network, info).eval()(pixels)
        given = torch.cat([run(pixels), run(pixels[:1])])
    difference = (given - torch.cat([expected, expected[:1]])).abs().max().item()
    largest = expected.abs().max().item()
    # Where all logits are tiny, equal to 1e-4 would say nothing; beyond 10, float32 itself is no
    # more exact: torch differs from itself by as much from one batch size to another.
    allowed = TOLERANCE * max(min(1.0, largest), largest / 10)
    if not difference <= allowed:  # a NaN is no agreement
        raise EffsearchError(
            f"the export disagrees with torch: logits differ by {difference:.2g} on {len(images)} "
            f"images, and {allowed:.2g} is allowed; {output} was not written"
        )
    return difference

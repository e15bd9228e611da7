"""Export of a trained model: written aside, run on real images, and put in place if it agrees."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.results.store.files import cannot_write, write_atomically
from effsearch.search_spaces.errors import EffsearchError, InputError, unknown_name
from effsearch.training.export.exported import Export

if TYPE_CHECKING:
    from torch import Tensor

    from effsearch.search_spaces.network import Network
    from effsearch.training.export.formats import Run
    from effsearch.training.models.model_file import ModelInfo

# Format to the suffix of its files.
FORMATS: Mapping[str, str] = {
    "safetensors": ".safetensors",
    "onnx": ".onnx",
    "torchscript": ".pt",
}
NAMES = ("effsearch", "timm", "torchvision")
TOLERANCE = 1e-4


def check_export_options(format: str, names: str) -> None:
    """Refuse what no export can be made of, before anything is read.

    Raises:
        InputError: an unknown format or naming, or names for a format without any.
    """
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

    Raises:
        InputError: unknown format or names, a checkpoint that cannot be read, a network that the
            library of the names does not have.
        MissingResourceError: a package is missing.
        EffsearchError: the logits are not torch's within 1e-4 (of the largest one below 1, within
            1e-5 of it beyond 10), or a file cannot be written.
    """
    check_export_options(format, names)
    output = _place(checkpoint, output, format, names)
    from effsearch.training.export.card import model_card
    from effsearch.training.export.loading_code import timm_verdict
    from effsearch.training.models.model_file import read_model

    network, info = read_model(checkpoint)
    temporary = output.parent / f".{output.name}.{secrets.token_hex(6)}.tmp"
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        run = _write(temporary, network, info, format, names)
        export = Export(
            path=output,
            card=output.with_name(f"{output.name}.md"),
            format=format,
            names=names,
            images=len(images),
            images_from=images_from,
            largest_difference=_checked_difference(run, network, info, images, output),
            timm=timm_verdict(info),
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


def _place(checkpoint: Path, output: Path | None, format: str, names: str) -> Path:
    if output is None:
        own = f".{names}" if format == "safetensors" else ""
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

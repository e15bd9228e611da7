"""`effsearch export`: a trained model as a checked file for elsewhere, with its model card."""

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from effsearch.cli.options import RUNS, Checkpoint, Json, Quiet, RunDir, print_document
from effsearch.search_spaces.errors import InputError

if TYPE_CHECKING:
    from effsearch.training.export import Export

_CHECKED_ON = 8  # images


def export(
    checkpoint: Checkpoint = None,
    format: Annotated[
        str,
        typer.Option(
            help="onnx and torchscript take pixels 0..255 and normalise them inside; safetensors "
            "are weights alone."
        ),
    ] = "onnx",
    output: Annotated[
        Path | None,
        typer.Option(help="File to write [beside the checkpoint: best.onnx]."),
    ] = None,
    names: Annotated[
        str,
        typer.Option(help="Names of the tensors in safetensors: effsearch, timm or torchvision."),
    ] = "effsearch",
    dtype: Annotated[
        str,
        typer.Option(
            help="Number format: float32, or int8 (ONNX), calibrated on images of the validation "
            "part; the accuracy that is lost is measured and stated."
        ),
    ] = "float32",
    data: Annotated[
        str | None,
        typer.Option(help="Images to check the file on [what it was trained on, else the digits]."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            help="Folder, or hf:USER/NAME on the Hugging Face Hub, for card, weights and "
            "configuration together."
        ),
    ] = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Export a trained model, and write a model card beside it (OUTPUT.md).

    The file is run on real images before it is put in place: ONNX by ONNX Runtime. Where its
    logits differ from torch's by more than 1e-4, nothing is written and the exit code is 1.
    """
    from effsearch.training.export import check_export_options, export_model
    from effsearch.training.export.images import images_to_check
    from effsearch.training.runs.checkpoint_index import find_checkpoint

    if to is not None:
        if output is not None:
            raise InputError("--to names a folder and --output a file: leave one of them out")
        format = "safetensors"
    check_export_options(format, names, dtype)
    path = find_checkpoint(run_dir, checkpoint)
    images, images_from = images_to_check(path, data, _CHECKED_ON)
    if to is not None:
        from effsearch.training.export.hub import export_to

        place, done = export_to(to, path, names=names, images=images, images_from=images_from)
    else:
        place = None
        done = export_model(
            path,
            output,
            format=format,
            names=names,
            dtype=dtype,
            data=data,
            images=images,
            images_from=images_from,
        )
    if not quiet:
        print(f"model: {path}", file=sys.stderr)
        print(
            f"checked on {done.images} images of {images_from}: logits differ from torch's by "
            f"{done.largest_difference:.2g} at most",
            file=sys.stderr,
        )
        if done.int8 is not None:
            for line in (*done.int8.notices, done.int8.line):
                print(line, file=sys.stderr)
        print(done.timm, file=sys.stderr)
        print(f"card: {done.card}", file=sys.stderr)
    if as_json:
        print_document(_document(done) | {"checkpoint": path} | ({"to": place} if place else {}))
        return
    print(place or done.path)


def _document(done: "Export") -> dict[str, Any]:
    plain = asdict(replace(done, int8=None))
    del plain["int8"]
    return plain if done.int8 is None else plain | {"int8": done.int8.to_dict()}

"""`effsearch evaluate`: how good a trained model is on images it has not seen."""

import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from effsearch.cli.options import RUNS, Checkpoint, Json, ModelDevice, Quiet, RunDir, print_document
from effsearch.results.terminal import print_table
from effsearch.search_spaces.errors import unknown_name
from effsearch.search_spaces.int8 import INT8
from effsearch.training.data.named_columns import Columns

if TYPE_CHECKING:
    from effsearch.training.export.int8 import Compared
    from effsearch.training.loop.evaluation import Evaluation


def evaluate(
    checkpoint: Checkpoint = None,
    data: Annotated[
        str | None,
        typer.Option(help="As in `effsearch train`, of the same classes [what it was trained on]."),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="test, or validation: what its own training held out [test, if there is one]."
        ),
    ] = None,
    device: ModelDevice = "auto",
    dtype: Annotated[
        str,
        typer.Option(
            help="Number format: float32, or int8 beside it: on ONNX Runtime, calibrated on images "
            "of the validation part."
        ),
    ] = "float32",
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Unreadable images left out, and counted.")
    ] = False,
    image_column: Annotated[
        str | None,
        typer.Option(help="Column of the images in a table [what its training was given]."),
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option(help="Column of the classes in a table [what its training was given]."),
    ] = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Evaluate a trained model: loss, top-1, top-5, class by class.

    Images are cropped as when its training was evaluated. Exit code 2 where the data's classes are
    not the model's.
    """
    from effsearch.training.loop.evaluated_part import evaluate_checkpoint
    from effsearch.training.runs.checkpoint_index import find_checkpoint

    if dtype not in ("float32", INT8):
        raise unknown_name("type of numbers", dtype, ("float32", INT8))
    path = find_checkpoint(run_dir, checkpoint)
    named = Columns(image=image_column, label=label_column)
    if dtype == INT8:
        from effsearch.training.export.int8 import evaluate_int8

        both = evaluate_int8(
            path, data=data, part=part, device=device, skip_bad=skip_bad, columns=named
        )
        if not quiet:
            _tell(path, both.data, both.part, both.notices)
        if as_json:
            document = _document(path, both.data, both.part, both.float32)
            print_document(document | {"int8": _int8_document(both)})
            return
        _show_both(both)
        return
    done = evaluate_checkpoint(
        path,
        data=data,
        part=part,
        device=device,
        skip_bad=skip_bad,
        columns=named,
    )
    if not quiet:
        _tell(path, done.data, done.part, done.notices)
    if as_json:
        print_document(_document(path, done.data, done.part, done.evaluation))
        return
    _show(done.evaluation)


def _tell(path: Path, data: str, part: str, notices: tuple[str, ...]) -> None:
    for line in (f"model: {path}", f"data: {data}, {part} part", *notices):
        print(line, file=sys.stderr)


def _document(path: Path, data: str, part: str, found: "Evaluation") -> dict[str, object]:
    return {"checkpoint": str(path), "data": data, "part": part} | _figures(found)


def _figures(found: "Evaluation") -> dict[str, object]:
    rest = asdict(found)
    classes = rest.pop("classes")
    if not math.isfinite(found.loss):  # of a model that diverged; JSON has no such number
        rest["loss"] = None
    return rest | {"images_per_second": found.images_per_second, "classes": classes}


def _int8_document(both: "Compared") -> dict[str, object]:
    calibration = asdict(both.calibration)
    return _figures(both.int8) | {"top1_lost": both.top1_lost, "calibration": calibration}


def _share(top1: float | None) -> str:
    return "–" if top1 is None else f"{top1:.1%}"


def _show(found: "Evaluation") -> None:

    print_table(
        ("class", "images", "top-1"),
        [(score.name, str(score.images), _share(score.top1)) for score in found.classes],
    )
    print()
    print(f"images: {found.images:,}")
    print(f"top-1: {found.top1:.2%}")
    print(f"top-5: {found.top5:.2%}")
    print(f"loss: {found.loss:.4f}")
    print(f"images/s: {found.images_per_second:,.0f}")


def _show_both(both: "Compared") -> None:

    plain, int8 = both.float32, both.int8
    print_table(
        ("class", "images", "float32", "int8"),
        [
            (one.name, str(one.images), _share(one.top1), _share(other.top1))
            for one, other in zip(plain.classes, int8.classes, strict=True)
        ],
    )
    print()
    print(f"images: {int8.images:,}")
    for name, one, other in (
        ("top-1", plain.top1, int8.top1),
        ("top-5", plain.top5, int8.top5),
    ):
        print(f"{name}: {one:.2%} in float32, {other:.2%} in int8 ({100 * (other - one):+.2f})")
    print(f"loss: {plain.loss:.4f} in float32, {int8.loss:.4f} in int8")
    print(
        f"images/s: {plain.images_per_second:,.0f} in float32 (torch), "
        f"{int8.images_per_second:,.0f} in int8 (ONNX Runtime)"
    )
    print(f"int8: {both.conditions}")

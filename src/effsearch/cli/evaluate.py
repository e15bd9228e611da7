"""`effsearch evaluate`: how good a trained model is on images it has not seen."""

import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from effsearch.cli.options import RUNS, Checkpoint, Json, ModelDevice, Quiet, RunDir, print_document

if TYPE_CHECKING:
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

    Images are cut as at training's evaluation and computed in float32. Exit code 2 where the
    data's classes are not the model's.
    """
    from effsearch.training.data.named_columns import Columns
    from effsearch.training.loop.evaluated_part import evaluate_checkpoint
    from effsearch.training.runs.checkpoint_index import find_checkpoint

    path = find_checkpoint(run_dir, checkpoint)
    done = evaluate_checkpoint(
        path,
        data=data,
        part=part,
        device=device,
        skip_bad=skip_bad,
        columns=Columns(image=image_column, label=label_column),
    )
    if not quiet:
        for line in (f"model: {path}", f"data: {done.data}, {done.part} part", *done.notices):
            print(line, file=sys.stderr)
    if as_json:
        print_document(_document(path, done.data, done.part, done.evaluation))
        return
    _show(done.evaluation)


def _document(path: Path, data: str, part: str, found: "Evaluation") -> dict[str, object]:
    rest = asdict(found)
    classes = rest.pop("classes")
    named = {"checkpoint": str(path), "data": data, "part": part}
    if not math.isfinite(found.loss):  # of a model that diverged; JSON has no such number
        rest["loss"] = None
    return named | rest | {"images_per_second": found.images_per_second, "classes": classes}


def _show(found: "Evaluation") -> None:
    from effsearch.results.terminal import print_table

    print_table(
        ("class", "images", "top-1"),
        [
            (score.name, str(score.images), "–" if score.top1 is None else f"{score.top1:.1%}")
            for score in found.classes
        ],
    )
    print()
    print(f"images: {found.images:,}")
    print(f"top-1: {found.top1:.2%}")
    print(f"top-5: {found.top5:.2%}")
    print(f"loss: {found.loss:.4f}")
    print(f"images/s: {found.images_per_second:,.0f}")

"""`effsearch gradcam`: where several models look in the same images, side by side."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from effsearch.cli.options import RUNS, ModelDevice, Quiet, RunDir


def gradcam(
    checkpoints: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CHECKPOINT",
            help="Model files or train runs, one column each [best of the newest finished run].",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Data whose test part gives images [what the first model was trained on]."
        ),
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(help="Picture, or a folder of pictures, in place of --data; repeatable."),
    ] = None,
    output: Annotated[Path, typer.Option(help="PNG to write.")] = Path("gradcam.png"),
    count: Annotated[
        int, typer.Option("-n", "--count", min=1, max=64, help="Images of --data, one row each.")
    ] = 5,
    labels: Annotated[
        str | None,
        typer.Option(help="Names over the columns, such as baseline,deeper,wider."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the choice of images.")] = 0,
    device: ModelDevice = "auto",
    run_dir: RunDir = RUNS,
    quiet: Quiet = False,
) -> None:
    """Draw class activation maps of several models on the same images.

    Grad-CAM of the predicted class on the last feature map of at least 4x4, as in EfficientNet's
    Figure 7: one row per image, one column per model, each at its own resolution.
    """
    from effsearch.training.export.gradcam_picture import draw_gradcam, early_columns
    from effsearch.training.runs.checkpoint_index import find_checkpoint

    references: list[str | None] = list(checkpoints) if checkpoints else [None]
    drawn = draw_gradcam(
        [find_checkpoint(run_dir, reference) for reference in references],
        output,
        data=data,
        images=images or (),
        count=count,
        labels=None if labels is None else labels.split(","),
        seed=seed,
        device=device,
    )
    if not quiet:
        for line in early_columns(drawn):
            print(line, file=sys.stderr)
    print(output)

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
            help="Model files or train runs, a column each [best of the newest finished run]."
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
        int, typer.Option("-n", "--count", min=1, max=64, help="Images of --data, a row each.")
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
    Figure 7: a row an image, a column a model, each at its own resolution.
    """
    from effsearch.search_spaces.errors import InputError
    from effsearch.training.data.named_columns import ANY_COLUMNS
    from effsearch.training.devices.device import choose_device
    from effsearch.training.export.gradcam_picture import early_columns, map_model, write_picture
    from effsearch.training.loop.pictures import sample_data, sample_files
    from effsearch.training.models.model_file import read_model_info
    from effsearch.training.runs.checkpoint_index import find_checkpoint

    if data is not None and images:
        raise InputError("--data and --images exclude each other: give one")
    references: list[str | None] = list(checkpoints) if checkpoints else [None]
    paths = [find_checkpoint(run_dir, reference) for reference in references]
    names = labels.split(",") if labels is not None else [None] * len(paths)
    if len(names) != len(paths):
        raise InputError(f"--labels names {len(names)} columns, and there are {len(paths)} models")
    where = choose_device(device)
    if images:
        samples = sample_files(images)
    else:
        info = read_model_info(paths[0])
        source, columns = (info.data_name, info.columns) if data is None else (data, ANY_COLUMNS)
        samples = sample_data(source, count, seed, columns)
    drawn = [map_model(path, samples, where, name) for path, name in zip(paths, names, strict=True)]
    write_picture(output, samples, drawn)
    if not quiet:
        for line in early_columns(drawn):
            print(line, file=sys.stderr)
    print(output)

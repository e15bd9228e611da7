"""`effsearch train`: an architecture to a trained model."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from effsearch.cli.options import (
    RUNS,
    ConfigFile,
    Json,
    MaxImages,
    Name,
    Quiet,
    RayAddress,
    Real,
    RunDir,
    Seed,
    Text,
    Whole,
    as_text,
    go_on_with,
    print_document,
    refuse_with_resume,
    settings,
    show_forecast,
)

if TYPE_CHECKING:
    from effsearch.training.runs.answer import TrainResult
    from effsearch.training.runs.config import TrainConfig


def train(
    model: Annotated[
        Text,
        typer.Option(
            help="Zoo name, JSON file, notation, or a baseline, family or train run [with --phi "
            "the newest family, else the newest finished baseline, else efficientnet-b0]."
        ),
    ] = None,
    phi: Annotated[
        Real,
        typer.Option(
            help="Member of the family; where there is none, the baseline is scaled by the newest "
            "coefficients."
        ),
    ] = None,
    data: Annotated[
        Text,
        typer.Option(
            help="digits (default, embedded), a folder of images by class or with train*.parquet, "
            "or hf:NAME[:CONFIG]."
        ),
    ] = None,
    recipe: Annotated[
        Text,
        typer.Option(
            help="modern (default), efficientnet, progressive, finetune, proxy, or a YAML file."
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="An option of the recipe; may be repeated."
        ),
    ] = None,
    epochs: Annotated[Whole, typer.Option(help="Passes over the images [the recipe's].")] = None,
    batch_size: Annotated[
        Text, typer.Option(help="Images a step, or auto: what fits the memory [the recipe's].")
    ] = None,
    resolution: Annotated[
        Whole,
        typer.Option(help="Pixels [the network's own; less where the images are smaller]."),
    ] = None,
    stem_stride: Annotated[
        Whole, typer.Option(help="Of the first convolution; 1 suits small images [the network's].")
    ] = None,
    from_checkpoint: Annotated[
        Text,
        typer.Option(
            "--from",
            metavar="CHECKPOINT",
            help="Start from these weights, a file or the best of a train run; the classifier is "
            "new where the classes differ.",
        ),
    ] = None,
    max_images: MaxImages = None,
    skip_bad: Annotated[
        bool | None, typer.Option("--skip-bad", help="Leave unreadable images out, and count them.")
    ] = None,
    mean: Annotated[
        Text,
        typer.Option(
            metavar="R,G,B",
            help="Of the images' channels, such as 0.485,0.456,0.406 [measured].",
        ),
    ] = None,
    std: Annotated[
        Text, typer.Option(metavar="R,G,B", help="Deviation of the channels; goes with --mean.")
    ] = None,
    device: Annotated[Text, typer.Option(help="auto (default), cpu, cuda, cuda:1.")] = None,
    num_workers: Annotated[
        Whole, typer.Option(help="Processes that train together by Ray Train [1: no Ray].")
    ] = None,
    ray_address: RayAddress = None,
    gpus_per_worker: Annotated[
        Real, typer.Option(help="GPUs of a worker [1 where there are GPUs].")
    ] = None,
    loader_workers: Annotated[
        Whole, typer.Option(help="Processes that decode images [what the machine has].")
    ] = None,
    logger: Annotated[
        list[str] | None,
        typer.Option(help="tensorboard, wandb or mlflow, besides metrics.csv; may be repeated."),
    ] = None,
    checkpoint_minutes: Annotated[
        Real, typer.Option(help="Between checkpoints within an epoch [10].")
    ] = None,
    seed: Seed = None,
    config: ConfigFile = None,
    resume: Annotated[Text, go_on_with("train/001")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, and its schedule; train nothing.")
    ] = False,
    name: Name = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a network, and measure it on held-out images.

    Writes RUN_DIR/train/NNN with train.json, metrics.csv and checkpoints/best.safetensors and
    last.safetensors. Stop it with Ctrl-C, go on with --resume: the weights are those of a
    training that was never stopped.
    """
    given = settings(locals(), without=("assignments",))
    # Before torch is loaded: threads that wait busily for one another nearly stand still where
    # another process holds a core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from effsearch.training.runs.config import (
        make_config,
        parse_assignments,
        parse_value,
        read_config,
    )
    from effsearch.training.runs.run import resume_training, train_model

    if batch_size is not None:
        given["batch_size"] = parse_value(batch_size)
    if assignments:
        given["set"] = parse_assignments(tuple(assignments))
    file_values = read_config(config) if config else {}
    if resume is not None:
        refuse_with_resume(name, dry_run)
        result = resume_training(resume, file_values | given, run_dir=run_dir, quiet=quiet)
    else:
        resolved = make_config(file_values, given)
        if dry_run:
            _dry_run(resolved, run_dir, as_json, quiet)
            return
        result = train_model(
            resolved, run_dir=run_dir, name=name, quiet=quiet, command=["effsearch", *sys.argv[1:]]
        )
    _show(result, as_json, quiet)


def _dry_run(config: "TrainConfig", run_dir: Path, as_json: bool, quiet: bool) -> None:
    from effsearch.results.terminal import print_table
    from effsearch.training.runs.forecast import forecast

    document = forecast(config, run_dir)
    if not quiet:
        for note in document["notes"]:
            print(note, file=sys.stderr)
    show_forecast(document, as_json, without=_ELSEWHERE)
    if not as_json:
        print()
        rows = document["schedule"]
        print_table(tuple(rows[0]), [tuple(map(as_text, row.values())) for row in rows])


_ELSEWHERE = ("notes", "schedule", "recipe")
"""What a dry run shows otherwise than as a line of text, or only as JSON."""


def _show(result: "TrainResult", as_json: bool, quiet: bool) -> None:
    from effsearch.results.terminal import print_table

    if as_json:
        print_document(result.answer)
        return
    rows = [
        (name, str(part["images"]), *(f"{part[key]:.4f}" for key in ("top1", "top5", "loss")))
        for name, part in result.answer["accuracy"].items()
        if part is not None
    ]
    print_table((f"epoch {result.best_epoch}", "images", "top1", "top5", "loss"), rows)
    if not quiet:
        print(f"model: {result.best}", file=sys.stderr)
        print(f"answer: {result.path / 'train.json'}", file=sys.stderr)

"""What many commands share, so that it reads and means the same everywhere: options, documents."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

Text = str | None
Whole = int | None
Real = float | None

RunDir = Annotated[Path, typer.Option("--run-dir", help="Folder that holds the runs.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No talk on stderr but errors.")]
Name = Annotated[str | None, typer.Option("--name", help="Name of the run; numbered if left out.")]

RUNS = Path("runs")

ConfigFile = Annotated[
    Path | None, typer.Option(help="YAML file of these options; flags go over it.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would run, and its time; run nothing.")
]
Seed = Annotated[Whole, typer.Option(help="Of everything random [0].")]

Baseline = Annotated[
    Text,
    typer.Option(
        help="Zoo name, JSON file, notation, or a baseline run [newest finished baseline run, "
        "else efficientnet-b0]."
    ),
]
Checkpoint = Annotated[
    Text, typer.Argument(help="Model file, or a train run [best of the newest finished one].")
]
ShippedSpace = Annotated[str, typer.Option(help="Shipped space or YAML file.")]
ModelDevice = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1.")]

TargetFlops = Annotated[
    Text, typer.Option(help="Wanted multiply-adds, such as 400M, 0.39G or 4e8.")
]
TargetParams = Annotated[Text, typer.Option(help="Wanted parameters, such as 5.3M.")]
TargetMemory = Annotated[
    Text, typer.Option(help="Wanted peak activation memory at batch 1, such as 8MB.")
]
Weight = Annotated[Real, typer.Option(help="w of the objective, at most 0.")]
CostTolerance = Annotated[
    Real, typer.Option(help="Fraction over a target still evaluated [0; soft: no bound].")
]

# Of a command of the user's that measures a latency; the first where a setting may be left open.
LatencyTimeout = Annotated[
    Text, typer.Option(help="Time one call of the command may take, such as 30s [5m].")
]
CallTimeout = Annotated[
    str, typer.Option(help="Time one call of the command may take, such as 30s.")
]

Rounding = Annotated[Text, typer.Option(help="Of the resolution: exact (default), even, 8 or 32.")]
Coefficients = Annotated[
    Text,
    typer.Option(
        help="Of compound scaling: alpha,beta,gamma, a coefficients.json, or a run [newest "
        "finished coefficients run, else the paper's]."
    ),
]

SearchData = Annotated[
    Text,
    typer.Option(
        help="digits (default, embedded), a folder of images by class, or a folder with "
        "train*.parquet. Its test part is never read."
    ),
]
MaxImages = Annotated[Whole, typer.Option(help="Sample of the training images.")]
TrainingEpochs = Annotated[Whole, typer.Option(help="Of each training [the recipe's].")]
Pruning = Annotated[
    Text, typer.Option(help="none (default), or halving: give up trainings that fall behind.")
]

# Of the trainings that a search or a grid spreads over a machine or a cluster.
Workers = Annotated[Whole, typer.Option(help="Trainings at a time [one a CPU core].")]
CpusPerTrial = Annotated[Whole, typer.Option(help="CPU threads of a training [1].")]
GpusPerTrial = Annotated[
    Real, typer.Option(help="GPUs of a training, such as 0.25 [a share of what there is].")
]
TrialTimeout = Annotated[Text, typer.Option(help="Give a training up after, such as 90s.")]
Device = Annotated[Text, typer.Option(help="Of the trainings: auto (default), cpu or cuda.")]
RayAddress = Annotated[Text, typer.Option(help="Of a Ray cluster, such as auto or host:6379.")]

_NOT_SETTINGS = ("config", "resume", "dry_run", "name", "run_dir", "as_json", "quiet")


def go_on_with(example: str) -> Any:
    """The option `--resume` of a command whose runs are named like the example."""
    return typer.Option(help=f"Go on with this run: its path, or {example}.")


def refuse_with_resume(name: str | None, dry_run: bool = False) -> None:
    """Raise an InputError where `--resume` comes with an option for new runs."""
    from effsearch.search_spaces.errors import InputError

    if name is not None or dry_run:
        raise InputError("--resume goes with neither --dry-run nor --name")


def settings(values: Mapping[str, Any], *, without: Iterable[str] = ()) -> dict[str, Any]:
    """What was given of a command's settings, from its `locals()`.

    Args:
        without: parameters that the command reads itself, besides those of all commands.
    """
    left_out = {*_NOT_SETTINGS, *without}
    return {
        key: value
        for key, value in values.items()
        if key not in left_out and value is not None and value != []
    }


def print_document(document: object) -> None:
    """One JSON document on stdout."""
    print(document_text(document), end="")


def document_text(document: object) -> str:
    """Plain data as indented JSON with a line end; paths in it become text."""
    return json.dumps(document, indent=2, allow_nan=False, default=os.fspath) + "\n"


def show_forecast(
    document: Mapping[str, Any], as_json: bool, *, without: Iterable[str] = ()
) -> None:
    """Print what a dry run found: a line an entry, or JSON.

    Args:
        without: entries that are shown otherwise than as a line.
    """
    from effsearch.results.terminal import print_table

    if as_json:
        print_document(document)
        return
    left_out = set(without)
    print_table(
        ("", ""), [(key, as_text(value)) for key, value in document.items() if key not in left_out]
    )


def as_text(value: Any) -> str:
    """A value of a forecast in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {as_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " to ".join(as_text(item) for item in value)
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)

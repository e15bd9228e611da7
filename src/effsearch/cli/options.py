"""What many commands share, so that it reads and means the same everywhere: options, documents."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from effsearch.cli.completion import complete_runs, complete_spaces

RunDir = Annotated[
    Path,
    typer.Option(
        "--run-dir", metavar="FOLDER", help="Folder that holds the runs [runs].", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No messages on stderr except errors.")]
Name = Annotated[
    str | None, typer.Option("--name", metavar="TEXT", help="Name of the run [the next number].")
]

RUNS = Path("runs")

ConfigFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="YAML file of these options; flags override it."),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Forecast of what would run; nothing is run."),
]
Checkpoint = Annotated[
    str | None,
    typer.Argument(
        help="Model file, or a train run [best of the newest finished one].",
        autocompletion=complete_runs("train"),
    ),
]
ShippedSpace = Annotated[
    str, typer.Option(help="Shipped space or YAML file.", autocompletion=complete_spaces)
]
ModelDevice = Annotated[str, typer.Option(help="Device: auto, cpu, cuda or cuda:1.")]

LATENCY = "Latency"
CallTimeout = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="Time limit of one call of the command, such as 30s.",
        rich_help_panel=LATENCY,
    ),
]


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

"""`effsearch results plot | watch`: pictures of a run, and a live look at one."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from effsearch.cli.results_options import RUNS, Json, Quiet, RunDir, RunName


class PlotFormat(StrEnum):
    """What `plot` writes."""

    png = "png"
    svg = "svg"
    html = "html"


def plot(
    reference: RunName = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Which picture; may be given again [all].")
    ] = None,
    file_format: Annotated[PlotFormat, typer.Option("--format")] = PlotFormat.png,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder [RUN/plots].")
    ] = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw a run."""


def watch(reference: RunName = None, run_dir: RunDir = RUNS) -> None:
    """Follow a running search."""

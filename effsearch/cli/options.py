"""Options that many commands share, so that they read and mean the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

RunDir = Annotated[Path, typer.Option("--run-dir", help="Folder that holds the runs.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No talk on stderr but errors.")]
Name = Annotated[str | None, typer.Option("--name", help="Name of the run; numbered if left out.")]

RUNS = Path("runs")

"""`effsearch report`: one self-contained HTML page of one run or several."""

from pathlib import Path
from typing import Annotated

import typer

from effsearch.cli.options import RUNS, Json, Quiet, RunDir, print_document
from effsearch.cli.results_options import find, say


def report(
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Paths or names [the newest run]."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="HTML file [RUN/report.html; of several, RUN_DIR/report.html]."
        ),
    ] = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write one HTML page: the answer in words, pictures, and a table of all trials.

    It works offline and loads nothing. Several runs are compared on the same axes first.
    """
    wanted: list[str | None] = [*references] if references else [None]
    runs = [find(run_dir, reference, quiet) for reference in wanted]
    from effsearch.results.report.writing import write_report
    from effsearch.search_spaces.units import format_bytes

    path = output or (runs[0].paths.report if len(runs) == 1 else run_dir / "report.html")
    write_report(runs, path)
    if as_json:
        print_document(
            {"report": str(path), "bytes": path.stat().st_size, "runs": [r.reference for r in runs]}
        )
        return
    typer.echo(path)
    say(f"{format_bytes(path.stat().st_size)}, open it in a browser", quiet)

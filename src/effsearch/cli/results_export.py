"""`effsearch results export`: all that a run holds, as files that other programs read."""

import io
import shlex
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from effsearch.cli.options import RUNS, Json, Quiet, RunDir, document_text
from effsearch.cli.results_options import (
    RunName,
    find,
    refuse_without_trials,
    say,
)
from effsearch.results.formatting import NOTHING_YET
from effsearch.results.kinds.registry import kind_of
from effsearch.results.listing import trial_document
from effsearch.results.store.files import write_bytes_atomically
from effsearch.results.store.kind_table import read_table
from effsearch.results.store.run import Run
from effsearch.results.store.run_events import run_events
from effsearch.results.store.table import csv_text, rows_csv, trials_frame
from effsearch.results.store.trials import Trial, join_trials
from effsearch.search_spaces.errors import InputError


class ExportFormat(StrEnum):
    """What `export` writes."""

    csv = "csv"
    json = "json"
    parquet = "parquet"
    tensorboard = "tensorboard"
    optuna = "optuna"


_Format = Annotated[
    ExportFormat | None,
    typer.Option("--format", help="Format of what is written [csv].", show_default=False),
]
_Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Write this file instead of stdout; for tensorboard a folder [RUN/tensorboard], for "
        "optuna an SQLite file [RUN/study.db].",
    ),
]


def export(
    reference: RunName = None,
    file_format: _Format = None,
    output: _Output = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write all trials of a run: CSV, JSON, Parquet, TensorBoard or an Optuna study.

    Of a training the epochs are written, of a family its members, of a bench its standings.
    --json is --format json.

    JSON holds everything there is, curves and encodings included; the columns of CSV and Parquet
    are one value each. `macs` are multiply-adds of convolutions and linear layers at batch 1.
    TensorBoard gets rewards, accuracies, costs, and the choices of the first 1,000 networks.
    """
    chosen = _format(file_format, as_json)
    if chosen is ExportFormat.parquet and output is None and sys.stdout.isatty():
        raise InputError("parquet is binary: name a file with --output")
    run = find(run_dir, reference, quiet)
    if chosen is ExportFormat.tensorboard:
        refuse_without_trials(run)
        _export_tensorboard(run, output, quiet)
        return
    if chosen is ExportFormat.optuna:
        refuse_without_trials(run)
        _export_study(run, output, quiet)
        return
    if not kind_of(run.kind).has_trials:
        _export_rows(run, chosen, output, quiet)
        return
    trials = join_trials(run_events(run))
    data = _exported(run, trials, chosen)
    if not any(trial.state == "done" for trial in trials):
        say(NOTHING_YET, quiet)
    _write(data, output, f"{len(trials)} trials", quiet)


def _write(data: bytes, output: Path | None, what: str, quiet: bool) -> None:
    if output is None:
        typer.echo(data, nl=False)
        return
    write_bytes_atomically(output, data)
    say(f"wrote {what} to {output}", quiet)


def _export_rows(run: Run, file_format: ExportFormat, output: Path | None, quiet: bool) -> None:
    """The table of a run without trials, such as the epochs of a training."""
    rows = read_table(run.path, kind_of(run.kind).table)
    if file_format is ExportFormat.csv:
        data = rows_csv(rows).encode("utf-8", errors="backslashreplace")
    elif file_format is ExportFormat.json:
        document = {"run": run.reference, "status": run.status, "rows": list(rows)}
        data = document_text(document).encode()
    else:
        import pandas as pd

        buffer = io.BytesIO()
        pd.DataFrame(list(rows)).to_parquet(buffer, index=False)
        data = buffer.getvalue()
    _write(data, output, f"{len(rows)} rows", quiet)


def _export_tensorboard(run: Run, output: Path | None, quiet: bool) -> None:
    from effsearch.results.tensorboard import FOLDER, TensorBoard

    folder = output or run.path / FOLDER
    with TensorBoard(run, folder) as board:
        written = board.update()
    typer.echo(folder)
    say(f"wrote {written} trials: tensorboard --logdir {shlex.quote(str(folder))}", quiet)


def _export_study(run: Run, output: Path | None, quiet: bool) -> None:
    from effsearch.results.optuna_study import write_study

    path = output or run.path / "study.db"
    if output is None and run.kind == "coefficients":
        raise InputError(
            f"run {run.reference} has a study already: optuna-dashboard sqlite:///{path}; name "
            "another file with --output"
        )
    written = write_study(run, path)
    typer.echo(path)
    say(f"wrote {written} trials: optuna-dashboard sqlite:///{shlex.quote(str(path))}", quiet)


def _format(file_format: ExportFormat | None, as_json: bool) -> ExportFormat:
    if as_json and file_format not in (None, ExportFormat.json):
        raise InputError(f"--json and --format {file_format} contradict each other: give one")
    return ExportFormat.json if as_json else file_format or ExportFormat.csv


def _exported(run: Run, trials: Sequence[Trial], file_format: ExportFormat) -> bytes:
    if file_format is ExportFormat.csv:
        return csv_text(trials).encode("utf-8", errors="backslashreplace")
    if file_format is ExportFormat.json:
        documents = [trial_document(trial) for trial in trials]
        return document_text(
            {"run": run.reference, "status": run.status, "trials": documents}
        ).encode()

    buffer = io.BytesIO()
    trials_frame(trials).to_parquet(buffer, index=False)
    return buffer.getvalue()

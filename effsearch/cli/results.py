"""`effsearch results ls | show | top | export`: what is in the run directories.

Tables and documents go to stdout, talk to stderr; nothing here changes a run.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from results.files import write_bytes_atomically
from results.listing import describe, run_events, summarise, trial_document
from results.lookup import run_directories
from results.run import Run
from results.table import csv_text, trials_frame
from results.terminal import print_table
from results.trials import Trial, join_trials, top
from results.wording import NOTHING_YET, essentials, flat, minute, number, one_line, targets
from search_spaces.errors import InputError

app = typer.Typer(
    name="results",
    help="List runs, show one, rank its trials, export them.",
    no_args_is_help=True,
)


class ExportFormat(StrEnum):
    """What `export` writes."""

    csv = "csv"
    json = "json"
    parquet = "parquet"


_Run = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A run's path, baseline/001, or a kind for its newest run. Default: the newest run.",
        show_default=False,
    ),
]
_RunDir = Annotated[Path, typer.Option("--run-dir", help="The folder that holds the runs.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on stderr.")]
_Format = Annotated[
    ExportFormat | None, typer.Option("--format", help="Default: csv.", show_default=False)
]
_Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write this file instead of stdout.")
]
_RUNS = Path("runs")


@app.command("ls")
def list_command(run_dir: _RunDir = _RUNS, as_json: _Json = False, quiet: _Quiet = False) -> None:
    """List all runs, the oldest first.

    BEST and ACCURACY are the reward and the accuracy of the trial with the best reward.
    """
    summaries = []
    for directory in run_directories(run_dir):
        try:
            summaries.append(summarise(Run.load(directory)))
        except InputError as problem:
            _say(f"skipped: {problem}", quiet)
    summaries.sort(key=lambda summary: summary.created_at)
    if as_json:
        _print_document({"runs": [asdict(summary) for summary in summaries]})
        return
    if not summaries:
        _say(f"no runs in {run_dir} yet", quiet)
        return
    print_table(
        ("RUN", "CREATED (UTC)", "STATUS", "DONE", "FAILED", "ASKED", "BEST", "ACCURACY", "TARGET"),
        [
            (
                summary.reference,
                minute(summary.created_at),
                summary.status,
                str(summary.done),
                str(summary.failed),
                str(summary.asked),
                number("reward", summary.best_reward),
                number("accuracy", summary.best_accuracy),
                targets(summary.targets),
            )
            for summary in summaries
        ],
    )


@app.command("show")
def show_command(
    reference: _Run = None, run_dir: _RunDir = _RUNS, as_json: _Json = False, quiet: _Quiet = False
) -> None:
    """Show one run: what was asked, what it found, what failed, and the digest of its search.

    Two runs of one deterministic search have the same digest.
    """
    run = _find(run_dir, reference, quiet)
    document = describe(run)
    if as_json:
        _print_document(document)
        return
    print_table(("", ""), essentials(document))
    if failures := document["failures"]:
        typer.echo()
        print_table(
            ("FAILED", "REASON", "LAST ERROR"),
            [(str(one["count"]), one["reason"], one["example"]) for one in failures],
        )
    if answer := document["answer"]:
        typer.echo()
        print_table((run.paths.answer.name, ""), flat(answer))


@app.command("top")
def top_command(
    reference: _Run = None,
    count: Annotated[int, typer.Option("-n", min=1, help="How many trials.")] = 10,
    run_dir: _RunDir = _RUNS,
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Rank a run's trials by reward; ties go to the one with fewer MACs."""
    run = _find(run_dir, reference, quiet)
    best = top(join_trials(run_events(run)), count)
    if as_json:
        documents = [trial_document(trial) for trial in best]
        _print_document({"run": run.reference, "status": run.status, "trials": documents})
        return
    if not best:
        _say(NOTHING_YET, quiet)
        return
    costs = list(dict.fromkeys(name for trial in best for name in trial.costs))
    print_table(
        ("TRIAL", "REWARD", "ACCURACY", *(name.upper() for name in costs), "ID", "ARCHITECTURE"),
        [
            (
                str(trial.number),
                number("reward", trial.reward),
                number("accuracy", trial.accuracy),
                *(number(name, trial.costs.get(name)) for name in costs),
                trial.arch_id,
                trial.architecture,
            )
            for trial in best
        ],
    )


@app.command("export")
def export_command(
    reference: _Run = None,
    file_format: _Format = None,
    output: _Output = None,
    run_dir: _RunDir = _RUNS,
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Write all trials of a run as CSV, JSON or Parquet; --json is --format json.

    JSON holds everything there is, curves and encodings included; the columns of the other two
    are one value each. `macs` are multiply-adds of convolutions and linear layers at batch 1.
    """
    chosen = _format(file_format, as_json)
    if chosen is ExportFormat.parquet and output is None and sys.stdout.isatty():
        raise InputError("parquet is binary: name a file with --output")
    run = _find(run_dir, reference, quiet)
    trials = join_trials(run_events(run))
    data = _exported(run, trials, chosen)
    if not any(trial.state == "done" for trial in trials):
        _say(NOTHING_YET, quiet)
    if output is None:
        typer.echo(data, nl=False)
        return
    write_bytes_atomically(output, data)
    _say(f"wrote {len(trials)} trials to {output}", quiet)


def _format(file_format: ExportFormat | None, as_json: bool) -> ExportFormat:
    if as_json and file_format not in (None, ExportFormat.json):
        raise InputError(f"--json and --format {file_format} contradict each other: give one")
    return ExportFormat.json if as_json else file_format or ExportFormat.csv


def _exported(run: Run, trials: Sequence[Trial], file_format: ExportFormat) -> bytes:
    if file_format is ExportFormat.csv:
        return csv_text(trials).encode("utf-8", errors="backslashreplace")
    if file_format is ExportFormat.json:
        documents = [trial_document(trial) for trial in trials]
        return _document_text(
            {"run": run.reference, "status": run.status, "trials": documents}
        ).encode()
    import io

    buffer = io.BytesIO()
    trials_frame(trials).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _find(run_dir: Path, reference: str | None, quiet: bool) -> Run:
    run = Run.latest(run_dir, reference)
    if reference is None or reference not in (run.reference, str(run.path)):
        _say(f"run {run.reference} ({run.status}) in {run.path}", quiet)
    return run


def _say(message: str, quiet: bool) -> None:
    if not quiet:
        typer.echo(one_line(message), err=True)


def _document_text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _print_document(document: Mapping[str, Any]) -> None:
    typer.echo(_document_text(document), nl=False)

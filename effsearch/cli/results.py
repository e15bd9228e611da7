"""`effsearch results …`: what is in the run directories.

Tables and documents go to stdout, talk to stderr; nothing here changes what a run has found.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from effsearch.cli import report, results_draw, results_look
from effsearch.cli.results_options import (
    RUNS,
    Csv,
    Json,
    Quiet,
    RunDir,
    RunName,
    document_text,
    find,
    print_csv,
    print_document,
    refuse_both,
    say,
)
from results.files import write_bytes_atomically
from results.listing import describe, run_events, summarise, trial_document
from results.lookup import run_directories
from results.run import Run
from results.table import csv_text, trials_frame, trials_rows
from results.terminal import print_table
from results.trials import Trial, join_trials, top
from results.wording import NOTHING_YET, essentials, flat, minute, number, targets
from search_spaces.errors import InputError

app = typer.Typer(
    name="results",
    help="Look at runs: list, rank, compare, draw, report, follow, export.",
    no_args_is_help=True,
)
app.command("pareto")(results_look.pareto)
app.command("trial")(results_look.trial)
app.command("compare")(results_look.compare)
app.command("diff")(results_look.diff)
app.command("plot")(results_draw.plot)
app.command("watch")(results_draw.watch)
app.command("report")(report.report)


class ExportFormat(StrEnum):
    """What `export` writes."""

    csv = "csv"
    json = "json"
    parquet = "parquet"


_Format = Annotated[
    ExportFormat | None, typer.Option("--format", help="Default: csv.", show_default=False)
]
_Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write this file instead of stdout.")
]


@app.command("ls")
def list_command(
    run_dir: RunDir = RUNS, as_json: Json = False, as_csv: Csv = False, quiet: Quiet = False
) -> None:
    """List all runs, the oldest first.

    BEST and ACCURACY are the reward and the accuracy of the trial with the best reward.
    """
    refuse_both(as_json, as_csv)
    summaries = []
    for directory in run_directories(run_dir):
        try:
            summaries.append(summarise(Run.load(directory)))
        except InputError as problem:
            say(f"skipped: {problem}", quiet)
    summaries.sort(key=lambda summary: summary.created_at)
    if as_json:
        print_document({"runs": [asdict(summary) for summary in summaries]})
        return
    if as_csv:
        print_csv([asdict(one) | {"targets": targets(one.targets)} for one in summaries])
        return
    if not summaries:
        say(f"no runs in {run_dir} yet", quiet)
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
    reference: RunName = None, run_dir: RunDir = RUNS, as_json: Json = False, quiet: Quiet = False
) -> None:
    """Show one run: what was asked, what it found, what failed, and the digest of its search.

    Two runs of one deterministic search have the same digest.
    """
    run = find(run_dir, reference, quiet)
    document = describe(run)
    if as_json:
        print_document(document)
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
    reference: RunName = None,
    count: Annotated[int, typer.Option("-n", min=1, help="How many trials.")] = 10,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    as_csv: Csv = False,
    quiet: Quiet = False,
) -> None:
    """Rank a run's trials by reward; ties go to the one with fewer MACs."""
    refuse_both(as_json, as_csv)
    run = find(run_dir, reference, quiet)
    best = top(join_trials(run_events(run)), count)
    if as_json:
        documents = [trial_document(trial) for trial in best]
        print_document({"run": run.reference, "status": run.status, "trials": documents})
        return
    if as_csv:
        print_csv(trials_rows(best))
        return
    if not best:
        say(NOTHING_YET, quiet)
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
    reference: RunName = None,
    file_format: _Format = None,
    output: _Output = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write all trials of a run as CSV, JSON or Parquet; --json is --format json.

    JSON holds everything there is, curves and encodings included; the columns of the other two
    are one value each. `macs` are multiply-adds of convolutions and linear layers at batch 1.
    """
    chosen = _format(file_format, as_json)
    if chosen is ExportFormat.parquet and output is None and sys.stdout.isatty():
        raise InputError("parquet is binary: name a file with --output")
    run = find(run_dir, reference, quiet)
    trials = join_trials(run_events(run))
    data = _exported(run, trials, chosen)
    if not any(trial.state == "done" for trial in trials):
        say(NOTHING_YET, quiet)
    if output is None:
        typer.echo(data, nl=False)
        return
    write_bytes_atomically(output, data)
    say(f"wrote {len(trials)} trials to {output}", quiet)


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
    import io

    buffer = io.BytesIO()
    trials_frame(trials).to_parquet(buffer, index=False)
    return buffer.getvalue()

"""`effsearch results …`: what is in the run directories.

Tables and documents go to stdout, talk to stderr; nothing here changes what a run has found.
"""

from dataclasses import asdict
from typing import Annotated

import typer

from effsearch.cli import report, results_draw, results_export, results_look, results_scores
from effsearch.cli.grouped_help import Commands
from effsearch.cli.options import RUNS, Json, Quiet, RunDir, print_document
from effsearch.cli.results_options import (
    Csv,
    RunName,
    find,
    print_csv,
    refuse_both,
    say,
    say_conditions,
    say_nothing_yet,
)
from effsearch.results.formatting import flat, minute, number, targets
from effsearch.results.listing import describe, essentials, list_runs, trial_document
from effsearch.results.store.run_events import run_events
from effsearch.results.store.table import trials_rows
from effsearch.results.store.trials import join_trials, top
from effsearch.results.terminal import print_records, print_table

app = Commands(
    name="results",
    help="Look at runs: list, rank, compare, draw, report, follow, export.",
    no_args_is_help=True,
)


@app.command("ls")
def list_command(
    run_dir: RunDir = RUNS, as_json: Json = False, as_csv: Csv = False, quiet: Quiet = False
) -> None:
    """List all runs, the oldest first.

    BEST and ACCURACY are the reward and the accuracy of the trial with the best reward. Of a
    training, DONE and ASKED are epochs and ACCURACY is the best top-1 on its validation part; of a
    bench they are searches. MEASURED says what an accuracy was measured on.
    """
    refuse_both(as_json, as_csv)
    summaries, skipped = list_runs(run_dir)
    for why in skipped:
        say(f"skipped: {why}", quiet)
    if as_json:
        print_document({"runs": [asdict(summary) for summary in summaries]})
        return
    if as_csv:
        print_csv([asdict(one) | {"targets": targets(one.targets)} for one in summaries])
        return
    if not summaries:
        say(f"no runs in {run_dir} yet", quiet)
        return
    print_records(
        {
            "RUN": summary.reference,
            "CREATED (UTC)": minute(summary.created_at),
            "STATUS": summary.status,
            "DONE": str(summary.done),
            "FAILED": str(summary.failed),
            "ASKED": str(summary.asked),
            "BEST": number("reward", summary.best_reward),
            "ACCURACY": number("accuracy", summary.best_accuracy),
            "TARGET": targets(summary.targets),
            "MEASURED": summary.measured,
        }
        for summary in summaries
    )


@app.command("show")
def show_command(
    reference: RunName = None, run_dir: RunDir = RUNS, as_json: Json = False, quiet: Quiet = False
) -> None:
    """Show one run: what was asked, what it found, what failed.

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
        say_nothing_yet(run, quiet)
        return
    say_conditions(run, quiet)
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


app.command("pareto")(results_look.pareto)
app.command("trial")(results_look.trial)
app.command("compare")(results_look.compare)
app.command("diff")(results_look.diff)
app.command("scores")(results_scores.scores)
app.command("plot")(results_draw.plot)
app.command("watch")(results_draw.watch)
app.command("report")(report.report)
app.command("export")(results_export.export)

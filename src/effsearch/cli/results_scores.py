"""`effsearch results scores`: what scores without training were worth on a run's networks."""

from typing import Annotated

import typer

from effsearch.cli.options import RUNS, Json, Quiet, RunDir, print_document
from effsearch.cli.results_options import RunName, find, say


def scores(
    reference: RunName = None,
    networks: Annotated[
        int, typer.Option(min=3, help="Trained networks of the run that are scored, at most.")
    ] = 100,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show how zero-cost scores would have ranked the networks that a search trained.

    Kendall's tau of each score with the accuracies of the trials: 1 for the same order, 0 for none.
    Nothing is trained; scores that need images use the run's.
    """
    from effsearch.nas.scored_run import score_run
    from effsearch.results.terminal import print_records

    run = find(run_dir, reference, quiet)
    found = score_run(run, networks)
    if as_json:
        print_document({"run": run.reference, **found})
        return
    print_records(
        {
            "score": row["name"],
            "": row["label"],
            "Kendall's tau": "-" if row["kendall_tau"] is None else f"{row['kendall_tau']:.3f}",
        }
        for row in found["rows"]
    )
    say(
        f"{found['networks']} networks; orders that have nothing in common differ from 0 by "
        f"{found['chance']:.2f}",
        quiet,
    )

"""What the `effsearch results` commands share: their options, finding a run, and how they print."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from effsearch.cli.completion import complete_runs
from effsearch.results.conditions import in_search
from effsearch.results.formatting import NOTHING_YET, number, one_line
from effsearch.results.kinds.registry import kind_of
from effsearch.results.store.directory import run_dir_option
from effsearch.results.store.run import Run
from effsearch.results.store.table import Scalar, rows_csv
from effsearch.results.terminal import print_records
from effsearch.search_spaces.errors import InputError

RunName = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A run's path, baseline/001, or a kind for its newest run [the newest run].",
        show_default=False,
        autocompletion=complete_runs(),
    ),
]
RunNames = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN",
        help="Paths or names such as baseline/001.",
        show_default=False,
        autocompletion=complete_runs(),
    ),
]
Csv = Annotated[bool, typer.Option("--csv", help="The table as CSV, with whole counts.")]


def find(run_dir: Path, reference: str | None, quiet: bool) -> Run:
    """The run that is meant; which one is said where the reference left it open."""
    run = Run.latest(run_dir, reference)
    if reference is None or reference not in (run.reference, str(run.path)):
        say(f"run {run.reference} ({run.status}) in {run.path}", quiet)
    return run


def say(message: str, quiet: bool) -> None:
    """Talk, on stderr."""
    if not quiet:
        typer.echo(one_line(message), err=True)


def say_conditions(run: Run, quiet: bool) -> None:
    """How the accuracies in a table of trials were measured."""
    said = in_search(run.record)
    if said:
        say(f"accuracy {said}", quiet)


def say_nothing_yet(run: Run, quiet: bool) -> None:
    """Why a table of trials is empty."""
    say(NOTHING_YET if kind_of(run.kind).has_trials else _without_trials(run), quiet)


def refuse_without_trials(run: Run) -> None:
    """Raise an InputError where runs of this kind have no trials."""
    if not kind_of(run.kind).has_trials:
        raise InputError(_without_trials(run))


def _without_trials(run: Run) -> str:
    rows = f"effsearch results export {run.reference}{run_dir_option(run.path)}"
    return f"a {run.kind} run has no trials: `{rows}` shows what it has"


def refuse_both(as_json: bool, as_csv: bool) -> None:
    """Raise an InputError where two forms of output are asked for."""
    if as_json and as_csv:
        raise InputError("--json and --csv contradict each other: give one")


def print_csv(rows: Sequence[Mapping[str, Scalar | None]]) -> None:
    """Rows as CSV on stdout, encoded so that no foreign file name breaks it."""
    typer.echo(rows_csv(rows).encode("utf-8", errors="backslashreplace"), nl=False)


def print_rows(rows: Sequence[Mapping[str, Scalar | None]]) -> None:
    """Rows of equal keys as a table for reading; counts get their units."""
    print_records({name.upper(): number(name, row[name]) for name in row} for row in rows)

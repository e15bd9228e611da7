"""`effsearch results plot | watch`: pictures of a run, and a live look at one."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from effsearch.cli.completion import complete_plots
from effsearch.cli.options import RUNS, Json, Quiet, RunDir, print_document
from effsearch.cli.results_options import (
    RunName,
    find,
    say,
)


class PlotFormat(StrEnum):
    """What `plot` writes."""

    png = "png"
    svg = "svg"
    html = "html"


class WatchLogger(StrEnum):
    """Where else `watch` writes what it sees."""

    tensorboard = "tensorboard"


def plot(
    reference: RunName = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="Picture to draw, such as front, finalists or heatmap; may be repeated, and an "
            "unknown name is answered with all there are [all that runs of this kind have].",
            autocompletion=complete_plots,
        ),
    ] = None,
    file_format: Annotated[
        PlotFormat,
        typer.Option("--format", help="html is one page of all pictures, with every point named."),
    ] = PlotFormat.png,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write to [RUN/plots].")
    ] = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw pictures of a run and print the files written.

    A picture that the run cannot fill says why, such as `no finished trials yet`.
    """
    from effsearch.results.drawing import check_plots

    check_plots(kinds or [])
    run = find(run_dir, reference, quiet)
    from effsearch.results.report.writing import write_pictures

    written = write_pictures(
        run, kinds or [], file_format, output, lambda lacking: say(lacking, quiet)
    )
    if as_json:
        print_document({"run": run.reference, "files": [str(path) for path in written]})
        return
    for path in written:
        typer.echo(path)


def watch(
    reference: RunName = None,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="One look, then end.")] = False,
    logger: Annotated[
        WatchLogger | None,
        typer.Option(help="Also write what is seen to RUN/tensorboard, for TensorBoard."),
    ] = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Follow a run until it ends: its best, its speed, its failures.

    Of a training its epochs are followed, of a bench its searches. --json prints one look as a
    document. Ctrl-C ends the watching, not the search. With --logger tensorboard, `tensorboard
    --logdir RUN/tensorboard` shows rewards, costs and hyper-parameters as they come in.
    """
    from effsearch.results.watch import look, watch_run

    run = find(run_dir, reference, quiet)
    if logger is not None:
        from effsearch.results.tensorboard import FOLDER, TensorBoard

        with TensorBoard(run, run.path / FOLDER) as board:
            if as_json:
                board.update()
                print_document(look(run))
            else:
                watch_run(run, interval=interval, once=once, on_change=board.update)
        return
    if as_json:
        print_document(look(run))
        return
    watch_run(run, interval=interval, once=once)

"""Pages and pictures as files: what `report` and `plot` write."""

from collections.abc import Callable, Sequence
from pathlib import Path

from effsearch.results.drawing import check_plots, draw_or_say
from effsearch.results.kinds.registry import kind_of
from effsearch.results.loading import load_run_data
from effsearch.results.plots.files import figure_bytes, write_file
from effsearch.results.report.page import picture_page, report_page
from effsearch.results.store.run import Run
from effsearch.search_spaces.errors import unknown_name

FORMATS = ("png", "svg", "html")


def write_report(runs: Sequence[Run], output: Path) -> Path:
    """One page of one run or several.

    Raises:
        EffsearchError: a run that cannot be read, a place that cannot be written.
    """
    return write_file(output, report_page([load_run_data(run) for run in runs]).encode())


def write_pictures(
    run: Run,
    kinds: Sequence[str] = (),
    file_format: str = "png",
    folder: Path | None = None,
    on_lacking: Callable[[str], None] | None = None,
) -> list[Path]:
    """Pictures of a run, a file each; `html` is one page of all.

    Args:
        run: whose pictures.
        kinds: names of pictures; empty for all that runs of this kind have.
        file_format: `png`, `svg` or `html`.
        folder: where they are written; None for `plots` in the run.
        on_lacking: hears why a picture shows nothing.

    Raises:
        InputError: no such picture or format.
        EffsearchError: a run that cannot be read, a place that cannot be written.
    """
    check_plots(kinds)
    if file_format not in FORMATS:
        raise unknown_name("format", file_format, FORMATS)
    chosen = list(dict.fromkeys(kinds or [plot.name for plot in kind_of(run.kind).plots]))
    place = folder or run.paths.plots
    data = load_run_data(run)
    if file_format == "html":
        return [write_file(place / "plots.html", picture_page(data, chosen).encode())]
    written = []
    for kind in chosen:
        figure, lacking = draw_or_say(kind, data)
        if lacking and on_lacking is not None:
            on_lacking(f"{kind}: {lacking}")
        content = figure_bytes(figure, file_format)
        written.append(write_file(place / f"{kind}.{file_format}", content))
    return written

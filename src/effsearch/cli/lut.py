"""`effsearch lut`: tables of measured layers, from which the latency of any network follows."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from effsearch.cli.grouped_help import Commands
from effsearch.cli.options import CallTimeout, Json, Quiet, ShippedSpace, print_document
from effsearch.results.store.files import write_bytes_atomically
from effsearch.results.terminal import live_bar, print_records
from effsearch.search_spaces.errors import InputError, Interrupted
from effsearch.search_spaces.units import parse_seconds

if TYPE_CHECKING:
    from effsearch.latency.prediction import Predictor

app = Commands(
    help="Latency tables: measure the layers of a space, look at what a table predicts.",
    no_args_is_help=True,
)

_PICTURES = ("png", "svg", "pdf")

Backend = Annotated[
    str | None,
    typer.Option(help="What runs the network: torch or onnxruntime [torch; onnxruntime for int8]."),
]
Device = Annotated[str, typer.Option(help="Device: cpu, cuda or cuda:1.")]
Threads = Annotated[int, typer.Option(min=1, max=1024, help="CPU threads.")]
Batch = Annotated[int, typer.Option(min=1, max=1_000_000, help="Images at a time.")]
Dtype = Annotated[str, typer.Option(help="Number format: float32, float16, bfloat16 or int8.")]


@app.command("build")
def build(
    space: ShippedSpace = "mnasnet",
    device: Device = "cpu",
    backend: Backend = None,
    threads: Threads = 1,
    batch: Batch = 1,
    dtype: Dtype = "float32",
    graph: Annotated[
        bool, typer.Option("--graph", help="Replay of a captured graph, on CUDA.")
    ] = False,
    latency_command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Command that measures whole networks instead: it runs {onnx} and prints "
            "milliseconds; a regression describes the layers.",
        ),
    ] = None,
    latency_timeout: CallTimeout = "5m",
    output: Annotated[
        Path | None,
        typer.Option(
            help="The CSV [lut/SPACE-BACKEND-DEVICE-bBATCH.csv, int8 behind the backend in int8; "
            "lut/SPACE-command-bBATCH.csv]."
        ),
    ] = None,
    passes: Annotated[
        int, typer.Option(min=1, max=1000, help="Times each layer is measured; the best counts.")
    ] = 2,
    networks: Annotated[
        int,
        typer.Option(
            min=0,
            max=100_000,
            help="Whole networks measured: two thirds correct, one third checks.",
        ),
    ] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the networks.")] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure every distinct layer of a space, and whole networks to correct their sum by.

    The same command continues a stopped build; what the file holds is not measured again. Measure
    on a machine that does nothing else. In int8 every layer is calibrated on random images.
    """
    from effsearch.latency.building import BuildOptions, build_from_networks, build_table
    from effsearch.latency.command_meter import CommandMeter
    from effsearch.latency.meter import backend_of, make_meter
    from effsearch.latency.prediction import Predictor
    from effsearch.latency.table import default_command_table, default_table
    from effsearch.results.store.signals import exit_code
    from effsearch.search_spaces.space_file import load_space

    found = load_space(space)
    options = BuildOptions(passes=passes, networks=networks, seed=seed)
    usual = default_command_table(found.name, batch)
    if latency_command is None:
        usual = default_table(found.name, backend or backend_of(dtype), device, dtype, batch)
    path = output or usual
    try:
        with _progress(quiet) as on_progress:
            if latency_command is None:
                meter = make_meter(
                    backend, device, dtype=dtype, threads=threads, batch=batch, graph=graph
                )
                table = build_table(path, found, meter, options, on_progress)
            else:
                timeout = parse_seconds(latency_timeout)
                command = CommandMeter(latency_command, timeout=timeout, batch=batch)
                table = build_from_networks(path, found, command, options, on_progress)
    except KeyboardInterrupt:
        kept = f"what was measured is in {path}" if path.exists() else "nothing was measured yet"
        raise Interrupted(f"stopped; {kept}, the same command continues", exit_code()) from None
    _show(Predictor(table), as_json)
    if not quiet:
        print(f"table: {path}", file=sys.stderr)


@app.command("show")
def show(
    table: Annotated[Path, typer.Argument(help="The CSV that lut build wrote.")],
    plot: Annotated[
        Path | None, typer.Option(help="Picture of predicted against measured: a PNG, SVG or PDF.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a table was measured with, how it is corrected, and how far it is off.

    The error is that of the networks the correction has not seen.
    """
    from effsearch.latency.prediction import Predictor
    from effsearch.latency.table import read_table

    predictor = Predictor(read_table(table))
    if plot is not None:
        _draw(predictor, plot)
    _show(predictor, as_json)


def _show(predictor: "Predictor", as_json: bool) -> None:
    document = _document(predictor)
    if as_json:
        print_document(document)
        return
    for name, value in document["setting"].items():
        print(f"{name}: {value}")
    if document["operations"]:
        _show_layers(document)
    checked = document["unseen_networks"]
    if checked["count"] < 2:
        print("unseen networks: too few to say how far predictions are off")
        return
    print(
        f"unseen networks: {checked['count']}, median error {checked['median_error']:.1%}, largest "
        f"{checked['largest_error']:.1%}, Kendall tau {checked['kendall_tau']:.3f}"
    )


def _show_layers(document: dict[str, Any]) -> None:

    print_records(
        {
            "operation": row["operation"],
            "layers": str(row["layers"]),
            "fastest ms": f"{row['fastest_ms']:.3f}",
            "slowest ms": f"{row['slowest_ms']:.3f}",
            "factor": f"{row['factor']:.3f}",
        }
        for row in document["operations"]
    )
    print(
        f"added: {document['offset_ms'] * 1e3:+.1f} us a block, "
        f"{document['start_ms'] * 1e3:+.1f} us a network"
    )


def _document(predictor: "Predictor") -> dict[str, Any]:

    table, correction, accuracy = predictor.table, predictor.correction, predictor.accuracy
    by_operation: dict[str, list[float]] = {}
    for layer, measured in table.layers.items():
        by_operation.setdefault(layer.operation, []).append(measured.low_ms)
    count = len(accuracy.measured_ms)
    known = count > 1
    return {
        "table": str(table.path),
        "setting": asdict(table.setting),
        "layers": len(table.layers),
        "networks": len(table.networks),
        "operations": [
            {
                "operation": operation,
                "layers": len(values),
                "fastest_ms": min(values),
                "slowest_ms": max(values),
                "factor": correction.factors.get(operation, correction.factor),
            }
            for operation, values in sorted(by_operation.items())
        ],
        "offset_ms": correction.offset_ms,
        "start_ms": correction.start_ms,
        "unseen_networks": {
            "count": count,
            "median_error": accuracy.error if known else None,
            "largest_error": accuracy.worst if known else None,
            "kendall_tau": accuracy.tau if known else None,
        },
    }


def _draw(predictor: "Predictor", path: Path) -> None:
    from effsearch.results.plots.files import figure_bytes
    from effsearch.results.plots.latency import Points, draw_predictions

    file_format = path.suffix.removeprefix(".").lower()
    if file_format not in _PICTURES:
        raise InputError(f"cannot draw {path}: name a file that ends in .{', .'.join(_PICTURES)}")
    accuracy, setting = predictor.accuracy, predictor.table.setting
    if not len(accuracy.measured_ms):
        raise InputError(
            f"{predictor.table.path} holds too few whole networks to draw: add some with "
            "effsearch lut build --networks 60"
        )
    points = Points(
        f"{setting.backend}, {setting.device}",
        accuracy.predicted_ms.tolist(),
        accuracy.measured_ms.tolist(),
    )
    write_bytes_atomically(path, figure_bytes(draw_predictions([points]), file_format))


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal, a line every tenth elsewhere."""
    if quiet:
        yield lambda what, done, total: None
    elif not sys.stderr.isatty():
        yield _Lines()
    else:
        from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with live_bar(*columns) as bar:
            tasks: dict[str, Any] = {}

            def update(what: str, done: int, total: int) -> None:
                if what not in tasks:
                    tasks[what] = bar.add_task(what, total=total)
                bar.update(tasks[what], completed=done)

            yield update


class _Lines:
    """Prints a line whenever another tenth is done."""

    def __init__(self) -> None:
        self._shown: dict[str, int] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        tenth = 10 * done // total
        if tenth > self._shown.get(what, 0):
            self._shown[what] = tenth
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

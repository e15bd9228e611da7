"""`effsearch profile`: one network's layers and costs."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from effsearch.cli.completion import complete_networks
from effsearch.cli.options import LATENCY, RUNS, CallTimeout, Json, RunDir, print_document
from effsearch.results.terminal import print_records
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.units import format_bytes, format_count, parse_seconds, plural

if TYPE_CHECKING:
    from effsearch.latency.base_meter import Latency, Meter


def profile(
    network: Annotated[
        str,
        typer.Argument(
            help="Zoo name, JSON file of an architecture, notation, or a baseline run.",
            autocompletion=complete_networks,
        ),
    ],
    resolution: Annotated[
        int | None, typer.Option(metavar="N", help="Pixels [the network's own].")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Second count, by fvcore on the built network.")
    ] = False,
    latency: Annotated[
        bool,
        typer.Option(
            "--latency", help="Measured latency, with random weights.", rich_help_panel=LATENCY
        ),
    ] = False,
    backend: Annotated[
        str | None,
        typer.Option(
            help="What runs the network: torch or onnxruntime [torch; onnxruntime for int8].",
            rich_help_panel=LATENCY,
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(help="Device: cpu, cuda or cuda:1.", rich_help_panel=LATENCY)
    ] = "cpu",
    dtype: Annotated[
        str,
        typer.Option(
            help="Number format: float32, float16, bfloat16 or int8, which is calibrated on random "
            "images here.",
            rich_help_panel=LATENCY,
        ),
    ] = "float32",
    threads: Annotated[
        int, typer.Option(metavar="N", help="CPU threads.", rich_help_panel=LATENCY)
    ] = 1,
    batch: Annotated[
        int, typer.Option(metavar="N", help="Images at a time.", rich_help_panel=LATENCY)
    ] = 1,
    latency_command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Command that measures instead: it runs {onnx} and prints milliseconds, such as "
            "'python phone.py {onnx}'.",
            rich_help_panel=LATENCY,
        ),
    ] = None,
    latency_timeout: CallTimeout = "5m",
    latency_table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Table of effsearch lut build to predict the latency from.",
            rich_help_panel=LATENCY,
        ),
    ] = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
) -> None:
    """Show a network's layers, multiply-adds, parameters, activation memory; latency on request."""
    from effsearch.results.store.answers import find_baseline
    from effsearch.search_spaces.cost import cost
    from effsearch.search_spaces.notation import format_architecture
    from effsearch.search_spaces.profile import profile as profile_rows

    if resolution is not None and resolution < 1:
        raise InputError(f"resolution must be at least 1 pixel, not {resolution}")
    architecture = find_baseline(run_dir, network).architecture
    rows = profile_rows(architecture, resolution)
    total = cost(architecture, resolution)
    document = {
        "id": architecture.id,
        "notation": format_architecture(architecture),
        "resolution": resolution or architecture.resolution,
        **asdict(total),
    }
    if check:
        from effsearch.search_spaces.fvcore_check import fvcore_macs

        document["fvcore_macs"] = fvcore_macs(architecture, resolution)
    predictor = None
    if latency_table is not None:
        from effsearch.latency.prediction import Predictor
        from effsearch.latency.table import read_table

        predictor = Predictor(read_table(latency_table))
        document["predicted_latency_ms"] = round(predictor.network_ms(architecture, resolution), 4)
    measured = None
    if latency or latency_command is not None:
        from effsearch.latency.base_meter import Meter, measure
        from effsearch.latency.meter import make_meter

        meter: Meter

        if latency_command is not None:
            meter = _command_meter(latency_command, latency_timeout, batch)
        else:
            meter = make_meter(backend, device, dtype=dtype, threads=threads, batch=batch)
        if predictor is not None:
            predictor.table.check_setting(meter.setting)  # else the two numbers do not compare
        measured = measure(meter, architecture, resolution)
        if measured.warning:
            print(f"effsearch: {measured.warning}", file=sys.stderr)
    if as_json:
        if measured is not None:
            document["latency"] = measured.to_dict()
        layers = [asdict(row) for row in rows]
        print_document(document | {"layers": layers})
        return
    print_records(
        {
            "layer": row.name,
            "op": row.op,
            "k": str(row.kernel),
            "in": str(row.in_channels),
            "out": str(row.out_channels),
            "size": str(row.size),
            "MACs": format_count(row.macs),
            "params": format_count(row.params),
            "memory": format_bytes(row.memory_bytes),
        }
        for row in rows
    )
    print()
    for key, value in document.items():
        print(f"{key}: {value:,}" if isinstance(value, int) else f"{key}: {value}")
    if measured is not None:
        print(_latency_line(measured))


def _command_meter(command: str, timeout: str, batch: int) -> "Meter":
    from effsearch.latency.command_meter import CommandMeter

    return CommandMeter(command, timeout=parse_seconds(timeout), batch=batch)


def _latency_line(latency: "Latency") -> str:

    timing, setting = latency.timing, latency.setting
    counted = f"{plural(timing.runs, 'run')}, {plural(timing.outliers, 'outlier')}"
    threads = f", threads {setting.threads}" if setting.threads else ""
    return (
        f"latency: {timing.median_ms:.3f} ms (p95 {timing.p95_ms:.3f} ms, spread "
        f"{timing.spread:.1%}, {counted}; batch {setting.batch}, {setting.dtype}, "
        f"{setting.backend} on {setting.device}{threads})"
    )

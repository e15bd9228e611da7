"""`effsearch profile`: one network's layers and costs."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from effsearch.cli.options import Json


def profile(
    network: Annotated[
        str,
        typer.Argument(help="Zoo name, JSON file (architecture or baseline.json), or notation."),
    ],
    resolution: Annotated[
        int | None, typer.Option(help="Pixels, if not the network's own.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Count again with fvcore on the built network.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show a network's layers, multiply-adds, parameters and activation memory."""
    from results.terminal import print_table
    from search_spaces.amounts import format_bytes, format_count
    from search_spaces.cost import cost
    from search_spaces.errors import InputError
    from search_spaces.notation import format_architecture
    from search_spaces.profile import profile as profile_rows
    from search_spaces.zoo import resolve_architecture

    if resolution is not None and resolution < 1:
        raise InputError(f"resolution must be at least 1 pixel, not {resolution}")
    architecture = resolve_architecture(network)
    rows = profile_rows(architecture, resolution)
    total = cost(architecture, resolution)
    document = {
        "id": architecture.id,
        "notation": format_architecture(architecture),
        "resolution": resolution or architecture.resolution,
        **asdict(total),
    }
    if check:
        from search_spaces.fvcore_check import fvcore_macs

        document["fvcore_macs"] = fvcore_macs(architecture, resolution)
    if as_json:
        layers = [asdict(row) for row in rows]
        print(json.dumps(document | {"layers": layers}, indent=2))
        return
    print_table(
        ("layer", "op", "k", "in", "out", "size", "MACs", "params", "memory"),
        [
            (
                row.name,
                row.op,
                str(row.kernel),
                str(row.in_channels),
                str(row.out_channels),
                str(row.size),
                format_count(row.macs),
                format_count(row.params),
                format_bytes(row.memory_bytes),
            )
            for row in rows
        ],
    )
    print()
    for key, value in document.items():
        print(f"{key}: {value:,}" if isinstance(value, int) else f"{key}: {value}")

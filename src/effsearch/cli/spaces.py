"""`effsearch spaces`: the search spaces there are, and what one of them holds."""

import typer

from effsearch.cli.completion import complete_spaces
from effsearch.cli.grouped_help import Commands
from effsearch.cli.options import Json, print_document
from effsearch.results.terminal import print_table
from effsearch.search_spaces.units import format_count

app = Commands(help="Search spaces: list them, look into one.", no_args_is_help=True)


@app.command("ls")
def ls(as_json: Json = False) -> None:
    """List the shipped spaces with their sizes and cost ranges."""
    from effsearch.search_spaces.population import PopulationCost
    from effsearch.search_spaces.space_file import load_space, shipped_spaces

    rows = []
    for name in shipped_spaces():
        space = load_space(name)
        rows.append((space, PopulationCost(space).ranges))
    if as_json:
        print_document(
            [
                {"name": space.name, "genes": len(space), "size": space.size, **ranges}
                for space, ranges in rows
            ]
        )
        return
    print_table(
        ("space", "genes", "networks", "MACs", "params"),
        [
            (
                space.name,
                str(len(space)),
                f"{space.size:.1e}",
                *(" to ".join(map(format_count, ranges[cost])) for cost in ("macs", "params")),
            )
            for space, ranges in rows
        ],
    )


@app.command("show")
def show(
    space: str = typer.Argument(help="Shipped space or YAML file.", autocompletion=complete_spaces),
    as_json: Json = False,
) -> None:
    """Show what a space fixes and what it varies."""
    from effsearch.search_spaces.population import PopulationCost
    from effsearch.search_spaces.space_file import load_space

    found = load_space(space)
    ranges = PopulationCost(found).ranges
    if as_json:
        print_document(found.describe() | {"ranges": ranges})
        return
    print_table(
        ("choice", "options"),
        [
            (gene.path, " | ".join(gene.label(i) for i in range(len(gene.options))))
            for gene in found.genes
        ],
    )
    print(f"{found.size:,} encodings of {len(found)} choices")
    for metric, (low, high) in ranges.items():
        print(f"{metric}: {low:,} to {high:,}")

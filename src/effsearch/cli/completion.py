"""What the shell completes besides choices: networks, spaces, runs, pictures."""

from collections.abc import Callable
from pathlib import Path

import typer


def complete_runs(*kinds: str) -> Callable[[typer.Context, str], list[str]]:
    """Completes runs of the kinds in `--run-dir`, the newest first; of all kinds where none is."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        from effsearch.results.store.run_index import run_directories

        root = Path(context.params.get("run_dir") or "runs")
        found = [path for kind in kinds or (None,) for path in run_directories(root, kind)]
        names = (f"{path.parent.name}/{path.name}" for path in reversed(found))
        return [name for name in names if name.startswith(incomplete)]

    return complete


def complete_networks(context: typer.Context, incomplete: str) -> list[str]:
    """Completes names of the zoo and baseline runs."""
    from effsearch.search_spaces.zoo import zoo_names

    runs = complete_runs("baseline")(context, incomplete)
    return [name for name in zoo_names() if name.startswith(incomplete)] + runs


def complete_spaces(incomplete: str) -> list[str]:
    """Completes the shipped spaces."""
    from effsearch.search_spaces.space_file import shipped_spaces

    return [name for name in shipped_spaces() if name.startswith(incomplete)]


def complete_plots(incomplete: str) -> list[str]:
    """Completes the pictures of all kinds of runs."""
    from effsearch.results.drawing import all_plots

    return [name for name in all_plots() if name.startswith(incomplete)]

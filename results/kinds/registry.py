"""The kinds of runs by name; each is imported when it is asked for, so that `--help` is fast."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.results.store.directory import run_dir_option

if TYPE_CHECKING:
    from effsearch.results.kinds.kind import Kind

KINDS = ("baseline", "coefficients", "comparison", "family", "train", "bench")
"""A module of this folder each, which holds its `KIND`."""


def kind_of(name: str) -> "Kind":
    """The kind of that name; one that is not known is looked at as a search is."""
    known = name if name in KINDS else "baseline"
    kind: Kind = import_module(f"effsearch.results.kinds.{known}").KIND
    if name != known:
        return replace(kind, name=name, noun="run", resumed_by=None)
    return kind


def resume_command(run: Path, kind: str, options: str = "") -> str:
    """The command line that resumes the run in this directory, from where it was started.

    Args:
        run: its directory.
        kind: its kind, one that can be resumed.
        options: more of the command line.
    """
    words = f"{kind_of(kind).resumed_by} --resume {run.parent.name}/{run.name} {options}".rstrip()
    return f"effsearch {words}{run_dir_option(run)}"

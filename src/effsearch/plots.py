"""The pictures of a run as functions that return matplotlib figures.

    effsearch.plots.front("baseline/001")

A run is named as everywhere, or given as a `Run` or an answer. `names` lists the pictures; one that
a run has nothing for says so in its figure.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from effsearch.results.drawing import all_plots, check_plots, draw_or_say
from effsearch.results.loading import load_run_data
from effsearch.results.store.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw: TypeAlias = "Callable[..., Figure]"


def names() -> list[str]:
    """The pictures there are, of any kind of run.

    Example:
        >>> import effsearch
        >>> "front" in effsearch.plots.names()
        True
    """
    return list(all_plots())


def draw(name: str, run: Any = None, *, run_dir: str | Path = "runs") -> "Figure":
    """One picture of a run.

    Args:
        name: one of `names()`.
        run: a run by path or name, a `Run`, or an answer; None for the newest finished run.
        run_dir: folder of the runs.

    Raises:
        InputError: no such picture or run.
    """
    check_plots([name])
    found = run if isinstance(run, Run) else Run.open(Path(run_dir), getattr(run, "path", run))
    figure, _ = draw_or_say(name, load_run_data(found))
    return figure


def __getattr__(name: str) -> Draw:
    picture = name.replace("_", "-")
    if picture not in all_plots() and name not in all_plots():
        raise AttributeError(f"module 'effsearch.plots' has no picture '{name}'")
    known = name if name in all_plots() else picture

    def of_run(run: Any = None, *, run_dir: str | Path = "runs") -> "Figure":
        return draw(known, run, run_dir=run_dir)

    of_run.__name__ = name
    of_run.__doc__ = all_plots()[known].caption
    return of_run


def __dir__() -> list[str]:
    return ["draw", "names", *(name.replace("-", "_") for name in all_plots())]

"""The pictures of a run as functions that return matplotlib figures.

    effsearch.plots.front("baseline/001")

A run is named as everywhere, or given as a `Run` or an answer. `names` lists the pictures; one that
a run has nothing for says so in its figure.
"""

import sys
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
    _show_in_notebooks()
    return figure


def _show_in_notebooks() -> None:
    """Let a notebook draw figures at the end of a cell, as `%matplotlib inline` does.

    Without pyplot, which the pictures do not use, it would print `<Figure size 720x440>`.
    """
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython else None
    if shell is None or not hasattr(shell, "kernel"):
        return
    from matplotlib.figure import Figure

    formatter = shell.display_formatter.formatters["image/png"]
    if Figure not in formatter:
        formatter.for_type(Figure, _as_png)


def _as_png(figure: "Figure") -> bytes:
    from io import BytesIO

    file = BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return file.getvalue()


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

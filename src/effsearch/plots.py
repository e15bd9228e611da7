"""The pictures of a run as functions that return figures, of matplotlib or of plotly.

    effsearch.plots.front("baseline/001")
    effsearch.plots.front("baseline/001", interactive=True)

A run is named as everywhere, or given as a `Run` or an answer. `names` lists the pictures; one that
a run has nothing for says so in its figure. The interactive form, which `front`, `progress`,
`time`, `heatmap` and `family` have, says under the pointer which network a mark is: its notation,
accuracy and costs. It needs plotly (`pip install 'effsearch[plotly]'`).
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from effsearch.results.drawing import (
    all_plots,
    check_plots,
    draw_interactive,
    draw_or_say,
)
from effsearch.results.loading import load_run_data
from effsearch.results.store.run import Run

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.figure import Figure

Draw: TypeAlias = "Callable[..., Any]"


def names() -> list[str]:
    """The pictures there are, of any kind of run.

    Example:
        >>> import effsearch
        >>> "front" in effsearch.plots.names()
        True
    """
    return list(all_plots())


@overload
def draw(
    name: str,
    run: Any = None,
    *,
    run_dir: str | Path = "runs",
    interactive: Literal[False] = False,
) -> "Figure": ...


@overload
def draw(
    name: str, run: Any = None, *, run_dir: str | Path = "runs", interactive: Literal[True]
) -> "go.Figure": ...


def draw(
    name: str, run: Any = None, *, run_dir: str | Path = "runs", interactive: bool = False
) -> "Figure | go.Figure":
    """One picture of a run.

    Args:
        name: one of `names()`.
        run: a run by path or name, a `Run`, or an answer; None for the newest finished run.
        run_dir: folder of the runs.
        interactive: whether it is a plotly figure, whose marks say which networks they are.

    Raises:
        InputError: no such picture or run, or no interactive form of it.
        MissingResourceError: it is to be interactive, and plotly is not installed.

    Example:
        >>> import effsearch
        >>> effsearch.plots.draw("front", "baseline/001").get_figwidth()
        7.2
        >>> len(effsearch.plots.draw("front", "baseline/001", interactive=True).data) > 1
        True
    """
    check_plots([name])
    found = run if isinstance(run, Run) else Run.open(Path(run_dir), getattr(run, "path", run))
    if interactive:
        return draw_interactive(name, load_run_data(found))
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

    def of_run(
        run: Any = None, *, run_dir: str | Path = "runs", interactive: bool = False
    ) -> "Figure | go.Figure":
        if interactive:
            return draw(known, run, run_dir=run_dir, interactive=True)
        return draw(known, run, run_dir=run_dir)

    of_run.__name__ = name
    of_run.__doc__ = all_plots()[known].caption
    return of_run


def __dir__() -> list[str]:
    return ["draw", "names", *(name.replace("-", "_") for name in all_plots())]

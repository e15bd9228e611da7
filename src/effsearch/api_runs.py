"""Looking at runs from Python: `effsearch report` and `effsearch results …` as functions.

A run is given in any way one has it: by path, by a name such as `baseline/001` or `baseline`, as a
`Run`, or as an answer; None is the newest.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from effsearch.results.pareto import front_of
from effsearch.results.report.writing import write_pictures, write_report
from effsearch.results.store.run import Run
from effsearch.results.store.run_events import run_events
from effsearch.results.store.table import trials_frame
from effsearch.results.store.trials import join_trials
from effsearch.results.store.trials import top as _top

if TYPE_CHECKING:
    import pandas as pd

RunLike: TypeAlias = Any
"""A path or name, a `Run`, an answer (what has a `path`), or None for the newest."""


def report(
    runs: RunLike | Sequence[RunLike] = None,
    *,
    output: str | Path | None = None,
    run_dir: str | Path = "runs",
) -> Path:
    """Write one HTML page of one run or several; `effsearch report` as a function.

    Args:
        runs: one run, or a list of those that are compared; None for the newest.
        output: HTML file; None for `report.html` in the run, of several in `run_dir`.
        run_dir: folder of the runs.

    Returns:
        The file.

    Raises:
        EffsearchError: no such run, or a place that cannot be written.

    Example:
        >>> import effsearch
        >>> effsearch.report("runs/baseline/001").name
        'report.html'
    """
    several = list(runs) if isinstance(runs, list | tuple) else [runs]
    found = [_run(one, run_dir) for one in several]
    usual = found[0].paths.report if len(found) == 1 else Path(run_dir) / "report.html"
    return write_report(found, usual if output is None else Path(output))


def plot(
    run: RunLike = None,
    *,
    kinds: Sequence[str] = (),
    format: Literal["png", "svg", "html"] = "png",
    output: str | Path | None = None,
    run_dir: str | Path = "runs",
) -> list[Path]:
    """Write pictures of a run; `effsearch results plot` as a function.

    `effsearch.plots` has the same as figures. A picture that the run cannot fill says why.

    Args:
        run: whose pictures.
        kinds: such as `["front", "finalists"]`; empty for all of this kind of run.
        format: a file each, or `html` for one page of all.
        output: folder; None for `plots` in the run.
        run_dir: folder of the runs.

    Returns:
        The files.

    Raises:
        EffsearchError: no such run or picture, or a place that cannot be written.

    Example:
        >>> import effsearch
        >>> [path.name for path in effsearch.plot("runs/baseline/001", kinds=["front"])]
        ['front.png']
    """
    folder = None if output is None else Path(output)
    return write_pictures(_run(run, run_dir), kinds, format, folder)


def pareto(
    run: RunLike = None, *, cost: str = "macs", run_dir: str | Path = "runs"
) -> "pd.DataFrame":
    """The networks that no other of the run beats in both accuracy and a cost.

    Args:
        run: a search.
        cost: `macs`, `params`, `memory_bytes`, or a latency in milliseconds that was measured.
        run_dir: folder of the runs.

    Returns:
        A row each, with the columns of `Run.trials`.

    Raises:
        InputError: no such run, or a cost that it does not know.

    Example:
        >>> import effsearch
        >>> front = effsearch.pareto("runs/baseline/001")
        >>> front["accuracy"].is_monotonic_increasing
        True
    """
    trials = join_trials(run_events(_run(run, run_dir)))
    return trials_frame(list(front_of(trials, cost).trials))


def top(run: RunLike = None, *, count: int = 10, run_dir: str | Path = "runs") -> "pd.DataFrame":
    """A run's best trials by reward; ties go to the one with fewer multiply-adds.

    Args:
        run: a search.
        count: how many.
        run_dir: folder of the runs.

    Returns:
        A row each, the best first, with the columns of `Run.trials`.

    Raises:
        InputError: no such run.

    Example:
        >>> import effsearch
        >>> best = effsearch.top("runs/baseline/001", count=3)
        >>> len(best), best["reward"].is_monotonic_decreasing
        (3, True)
    """
    return trials_frame(_top(join_trials(run_events(_run(run, run_dir))), count))


def _run(run: RunLike, run_dir: str | Path) -> Run:
    if isinstance(run, Run):
        return run
    return Run.latest(Path(run_dir), getattr(run, "path", run))

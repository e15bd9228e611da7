"""The commands as Python functions: plain values in, plain objects out."""

from pathlib import Path
from typing import Any

from nas.answer import BaselineResult
from nas.baseline import resume_baseline as _resume
from nas.baseline import search_baseline as _search
from nas.config import make_config
from results.run import Run


def search_baseline(
    *, run_dir: str | Path = "runs", name: str | None = None, quiet: bool = False, **options: Any
) -> BaselineResult:
    """Search a baseline network; `effsearch baseline` as a function.

    Args:
        run_dir: where run directories are made.
        name: of the run; numbered where None.
        quiet: no progress on stderr.
        options: the attributes of `nas.config.BaselineConfig`, amounts as numbers or as on the
            command line: `target_flops="400M"`.

    Raises:
        EffsearchError: bad input, nothing feasible, a resource that is missing.

    Example:
        >>> import effsearch
        >>> result = effsearch.search_baseline(target_flops="400M", samples=16)  # doctest: +SKIP
        >>> result.macs <= 400_000_000  # doctest: +SKIP
        True
    """
    return _search(make_config(options), run_dir=Path(run_dir), name=name, quiet=quiet)


def resume_baseline(
    run: str | None = None, *, run_dir: str | Path = "runs", quiet: bool = False, **changes: Any
) -> BaselineResult:
    """Go on with a stopped run, or with more samples; `effsearch baseline --resume`."""
    return _resume(run, changes, run_dir=Path(run_dir), quiet=quiet)


def load_run(run: str | Path, *, run_dir: str | Path = "runs") -> Run:
    """Open a run for reading, by path or by a name such as `baseline/001`."""
    return Run.open(Path(run_dir), run)

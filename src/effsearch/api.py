"""The commands as Python functions: plain values in, plain objects out."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.gridsearch.answer import CoefficientsResult
from effsearch.gridsearch.coefficients import resume_coefficients as _resume_grid
from effsearch.gridsearch.coefficients import search_coefficients as _search_grid
from effsearch.gridsearch.compare_scaling.command import ComparisonResult
from effsearch.gridsearch.compare_scaling.command import compare_scaling as _compare
from effsearch.gridsearch.compare_scaling.command import resume_comparison as _resume_comparison
from effsearch.gridsearch.compare_scaling.config import make_config as _comparison_config
from effsearch.gridsearch.config import make_config as _coefficients_config
from effsearch.gridsearch.family import FamilyResult, ScaleOptions
from effsearch.gridsearch.family import scale_family as _scale
from effsearch.gridsearch.family_targets import MeterOptions
from effsearch.nas.answer import BaselineResult
from effsearch.nas.baseline import resume_baseline as _resume
from effsearch.nas.baseline import search_baseline as _search
from effsearch.nas.config import make_config
from effsearch.results.config import check_text
from effsearch.results.store.run import Run
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.scaling import Coefficients, Rounding
from effsearch.search_spaces.units import (
    parse_bytes,
    parse_count,
    parse_milliseconds,
    parse_numbers,
)
from effsearch.training.runs.config import make_config as _train_config

if TYPE_CHECKING:
    from effsearch.training.runs.answer import TrainResult


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
    return _search(make_config(_plain(options)), run_dir=Path(run_dir), name=name, quiet=quiet)


def resume_baseline(
    run: str | None = None, *, run_dir: str | Path = "runs", quiet: bool = False, **changes: Any
) -> BaselineResult:
    """Go on with a stopped run, or with more samples; `effsearch baseline --resume`."""
    return _resume(run, _plain(changes), run_dir=Path(run_dir), quiet=quiet)


def search_coefficients(
    *,
    baseline: Architecture | str | Path | None = None,
    run_dir: str | Path = "runs",
    name: str | None = None,
    quiet: bool = False,
    **options: Any,
) -> CoefficientsResult:
    """Search α, β and γ; `effsearch coefficients` as a function.

    Args:
        baseline: an architecture, or what the command line takes; None for the newest finished
            baseline run, EfficientNet-B0 where there is none.
        run_dir, name, quiet: as in `search_baseline`.
        options: the attributes of `effsearch.gridsearch.config.CoefficientsConfig`.

    Raises:
        EffsearchError: bad input, no feasible triple, a resource that is missing.
    """
    given = _plain(options) | {"baseline": _text(baseline)}
    return _search_grid(_coefficients_config(given), run_dir=Path(run_dir), name=name, quiet=quiet)


def resume_coefficients(
    run: str | None = None, *, run_dir: str | Path = "runs", quiet: bool = False, **changes: Any
) -> CoefficientsResult:
    """Go on with a stopped grid; `effsearch coefficients --resume`."""
    return _resume_grid(run, _plain(changes), run_dir=Path(run_dir), quiet=quiet)


def scale_family(
    baseline: Architecture | str | Path | None = None,
    coefficients: Coefficients | str | Path | None = None,
    phis: Sequence[float] | str = (),
    *,
    family: str = "formula",
    resolution_rounding: Rounding = "exact",
    target_flops: str | float | None = None,
    target_memory: str | float | None = None,
    target_latency: str | float | None = None,
    meter: MeterOptions | None = None,
    run_dir: str | Path = "runs",
    name: str | None = None,
) -> FamilyResult:
    """Scale a baseline to a family; `effsearch scale` as a function.

    Args:
        baseline: an architecture, or what the command line takes; None as there.
        coefficients: likewise.
        phis: values of φ, as a list or as `0..7`; empty for 0 to 7.
        family: `formula` or `published`.
        resolution_rounding: `exact`, `even`, `8` or `32`.
        target_flops: multiply-adds to find the φ for, as a number or `2G`.
        target_memory: activation memory in bytes, or `64MB`.
        target_latency: milliseconds, or `30ms`; up to ten networks are measured.
        meter: on what; None for torch on one thread of the CPU.

    Example:
        >>> import effsearch
        >>> family = effsearch.scale_family("efficientnet-b0", "1.2,1.1,1.15", [1])
        ... # doctest: +SKIP
        >>> family.members[0].cost.macs, family.members[0].resolution  # doctest: +SKIP
        (992629472, 258)
    """
    if isinstance(coefficients, Coefficients):
        coefficients = f"{coefficients.alpha!r},{coefficients.beta!r},{coefficients.gamma!r}"
    given = _plain({"baseline": _text(baseline), "coefficients": coefficients})
    for key, value in given.items():
        if value is not None:
            check_text(key, value)
    if isinstance(target_memory, int | float):
        target_memory = f"{target_memory!r}B"
    options = ScaleOptions(
        baseline=given["baseline"],
        coefficients=given["coefficients"],
        phis=_phis(phis),
        family=family,
        rounding=str(resolution_rounding),  # type: ignore[arg-type]  # 8 is as good as "8"
        target_flops=None if target_flops is None else parse_count(target_flops),
        target_memory=None if target_memory is None else parse_bytes(target_memory),
        target_latency=None if target_latency is None else parse_milliseconds(target_latency),
        meter=meter,
    )
    return _scale(options, run_dir=Path(run_dir), name=name)


def compare_scaling(
    baselines: Sequence[Architecture | str | Path] = (),
    *,
    run_dir: str | Path = "runs",
    name: str | None = None,
    quiet: bool = False,
    **options: Any,
) -> ComparisonResult:
    """Compare one dimension with three at equal cost; `effsearch compare-scaling` as a function.

    Args:
        baselines: architectures, or what the command line takes; empty for the newest baseline.
        run_dir, name, quiet: as in `search_baseline`.
        options: the attributes of `effsearch.gridsearch.compare_scaling.config.ComparisonConfig`.

    Raises:
        EffsearchError: bad input, a resource that is missing.
    """
    given = _plain(options) | {"baseline": [_text(baseline) for baseline in baselines]}
    return _compare(_comparison_config(given), run_dir=Path(run_dir), name=name, quiet=quiet)


def resume_comparison(
    run: str | None = None, *, run_dir: str | Path = "runs", quiet: bool = False, **changes: Any
) -> ComparisonResult:
    """Go on with a stopped comparison; `effsearch compare-scaling --resume`."""
    return _resume_comparison(run, _plain(changes), run_dir=Path(run_dir), quiet=quiet)


def train(
    model: Architecture | str | Path | None = None,
    *,
    run_dir: str | Path = "runs",
    name: str | None = None,
    quiet: bool = False,
    **options: Any,
) -> "TrainResult":
    """Train a network; `effsearch train` as a function.

    Args:
        model: an architecture, or what the command line takes; None as there.
        run_dir, name, quiet: as in `search_baseline`.
        options: the attributes of `training.runs.config.TrainConfig`; options of the recipe in
            `set`: `set={"lr": 0.01}`.

    Raises:
        EffsearchError: bad input, a training that diverged, a resource that is missing.

    Example:
        >>> import effsearch
        >>> result = effsearch.train("efficientnet-b0", epochs=5)  # doctest: +SKIP
        >>> network = effsearch.load_model(result.best)  # doctest: +SKIP
    """
    from effsearch.training.runs.run import train_model  # imports torch

    given = _plain(options) | {"model": _text(model)}
    return train_model(_train_config(given), run_dir=Path(run_dir), name=name, quiet=quiet)


def resume_training(
    run: str | None = None, *, run_dir: str | Path = "runs", quiet: bool = False, **changes: Any
) -> "TrainResult":
    """Go on with a stopped training; `effsearch train --resume`."""
    from effsearch.training.runs import run as training  # imports torch

    return training.resume_training(run, _plain(changes), run_dir=Path(run_dir), quiet=quiet)


def load_run(run: str | Path, *, run_dir: str | Path = "runs") -> Run:
    """Open a run for reading, by path or by a name such as `baseline/001`."""
    return Run.open(Path(run_dir), run)


def _text(network: Architecture | str | Path | None) -> str | None:
    """A network as the command line takes it."""
    if isinstance(network, Architecture):
        return format_architecture(network)
    return os.fspath(network) if isinstance(network, Path) else network


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with paths as text, as the command line has them."""
    return {
        key: os.fspath(value) if isinstance(value, Path) else value
        for key, value in options.items()
    }


def _phis(values: Sequence[float] | str) -> tuple[float, ...]:
    """Values of φ.

    Raises:
        InputError: they are no numbers.
    """
    if isinstance(values, str):
        return parse_numbers(values)
    try:
        return tuple(float(value) for value in values)
    except (TypeError, ValueError):
        raise InputError(f"phis must be numbers such as [0, 1, 2], not {values!r}") from None

"""The commands as Python functions: plain values in, plain objects out."""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from effsearch.gridsearch.answer import CoefficientsResult
from effsearch.gridsearch.coefficients import resume_coefficients as _resume_grid
from effsearch.gridsearch.coefficients import search_coefficients as _search_grid
from effsearch.gridsearch.compare_scaling.command import ComparisonResult
from effsearch.gridsearch.compare_scaling.command import compare_scaling as _compare
from effsearch.gridsearch.compare_scaling.command import resume_comparison as _resume_comparison
from effsearch.gridsearch.compare_scaling.config import ComparisonConfig
from effsearch.gridsearch.config import CoefficientsConfig
from effsearch.gridsearch.family import FamilyResult
from effsearch.gridsearch.family import scale_family as _scale
from effsearch.gridsearch.family_targets import MeterOptions
from effsearch.gridsearch.scale_config import ScaleOptions
from effsearch.keywords import (
    AskTellKeywords,
    BaselineKeywords,
    BenchKeywords,
    CoefficientsKeywords,
    ComparisonKeywords,
    ScaleKeywords,
    TrainKeywords,
)
from effsearch.nas.answer import BaselineResult
from effsearch.nas.ask_tell import AskTell, AskTellConfig
from effsearch.nas.baseline import resume_baseline as _resume
from effsearch.nas.baseline import search_baseline as _search
from effsearch.nas.bench.config import BenchConfig, BenchObjective
from effsearch.nas.bench.run import BenchResult, compare_as_told
from effsearch.nas.bench.run import resume_bench as _resume_bench
from effsearch.nas.config import BaselineConfig
from effsearch.results.callbacks import Callbacks
from effsearch.results.config import Settings, settings_of
from effsearch.results.store.run import Run
from effsearch.search_spaces.cost import cost as _cost
from effsearch.search_spaces.notation import format_architecture as _format_architecture
from effsearch.search_spaces.scaling import Coefficients
from effsearch.search_spaces.scaling import compound as _compound
from effsearch.search_spaces.scaling_search import scale_to_cost as _scale_to_cost
from effsearch.search_spaces.zoo import NetworkLike, of_any_network
from effsearch.training.runs.config import TrainConfig

if TYPE_CHECKING:
    from effsearch.training.runs.answer import TrainResult

F = TypeVar("F", bound=Callable[..., Any])


def _explicit(
    configs: type[Settings] | Sequence[type[Settings]], keywords: Any
) -> Callable[[F], F]:
    """Show the keywords one by one in `help()` and in a notebook's completion."""

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        *own, _ = signature.parameters.values()
        several = [configs] if isinstance(configs, type) else configs
        known = {key: one for config in several for key, one in settings_of(config).items()}
        shown = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=known[name].default, annotation=wanted
            )
            for name, wanted in keywords.__annotations__.items()
        ]
        explicit = signature.replace(parameters=[*own, *shown])
        function.__signature__ = explicit  # type: ignore[attr-defined]
        return function

    return decorate


@_explicit(BaselineConfig, BaselineKeywords)
def search_baseline(
    *,
    run_dir: str | Path = "runs",
    name: str | None = None,
    quiet: bool = False,
    callbacks: Callbacks = (),
    **options: Unpack[BaselineKeywords],
) -> BaselineResult:
    """Search a baseline network; `effsearch baseline` as a function.

    Args:
        run_dir: where run directories are made.
        name: of the run; numbered where None.
        quiet: no progress on stderr.
        callbacks: hear of every trial or epoch and of the end; see `effsearch.Callback`.
        options: those of the command line, amounts as numbers or as on the
            command line: `target_flops="400M"`.

    Raises:
        EffsearchError: bad input, nothing feasible, a resource that is missing.

    Example:
        >>> import effsearch
        >>> result = effsearch.search_baseline(target_flops="400M", samples=16)
        >>> result.macs <= 400_000_000
        True
    """
    return _search(
        BaselineConfig.make(_plain(options)),
        run_dir=Path(run_dir),
        name=name,
        quiet=quiet,
        callbacks=callbacks,
    )


@_explicit(BaselineConfig, BaselineKeywords)
def resume_baseline(
    run: str | None = None,
    *,
    run_dir: str | Path = "runs",
    quiet: bool = False,
    callbacks: Callbacks = (),
    **changes: Unpack[BaselineKeywords],
) -> BaselineResult:
    """Go on with a stopped run, or with more samples; `effsearch baseline --resume`.

    Example:
        >>> import effsearch
        >>> result = effsearch.search_baseline(target_flops="400M", samples=16)
        >>> effsearch.resume_baseline(result.run, samples=24).run == result.run
        True
    """
    return _resume(run, _plain(changes), run_dir=Path(run_dir), quiet=quiet, callbacks=callbacks)


@_explicit(CoefficientsConfig, CoefficientsKeywords)
def search_coefficients(
    *,
    baseline: NetworkLike | None = None,
    run_dir: str | Path = "runs",
    name: str | None = None,
    quiet: bool = False,
    callbacks: Callbacks = (),
    **options: Unpack[CoefficientsKeywords],
) -> CoefficientsResult:
    """Search α, β and γ; `effsearch coefficients` as a function.

    Args:
        baseline: a network in any way one has it; None for the newest finished
            baseline run, EfficientNet-B0 where there is none.
        run_dir, name, quiet, callbacks: as in `search_baseline`.
        options: those of the command line.

    Raises:
        EffsearchError: bad input, no feasible triple, a resource that is missing.

    Example:
        >>> import effsearch
        >>> result = effsearch.search_coefficients(phi=1, baseline="efficientnet-b0", epochs=3)
        >>> result.coefficients.alpha >= 1
        True
    """
    given = _plain(options) | {"baseline": baseline}
    return _search_grid(
        CoefficientsConfig.make(given),
        run_dir=Path(run_dir),
        name=name,
        quiet=quiet,
        callbacks=callbacks,
    )


@_explicit(CoefficientsConfig, CoefficientsKeywords)
def resume_coefficients(
    run: str | None = None,
    *,
    run_dir: str | Path = "runs",
    quiet: bool = False,
    callbacks: Callbacks = (),
    **changes: Unpack[CoefficientsKeywords],
) -> CoefficientsResult:
    """Go on with a stopped grid; `effsearch coefficients --resume`.

    Example:
        >>> import effsearch
        >>> result = effsearch.search_coefficients(phi=1, baseline="efficientnet-b0", epochs=3)
        >>> effsearch.resume_coefficients(result.run).coefficients == result.coefficients
        True
    """
    return _resume_grid(
        run, _plain(changes), run_dir=Path(run_dir), quiet=quiet, callbacks=callbacks
    )


@_explicit(ScaleOptions, ScaleKeywords)
def scale_family(
    baseline: NetworkLike | None = None,
    coefficients: Coefficients | str | Path | None = None,
    phis: Sequence[float] | str = (),
    *,
    meter: MeterOptions | None = None,
    run_dir: str | Path = "runs",
    name: str | None = None,
    **options: Unpack[ScaleKeywords],
) -> FamilyResult:
    """Scale a baseline to a family; `effsearch scale` as a function.

    Args:
        baseline: a network in any way one has it: name, file, notation, run, answer, Architecture;
            None as there.
        coefficients: likewise.
        phis: values of φ, as a list or as `0..7`; empty for 0 to 7.
        meter: on what a latency is measured; also by keywords such as `latency_device`.
        run_dir, name: as in `search_baseline`.
        options: those of the command line, amounts as numbers or text: `target_flops="2G"`.

    Example:
        >>> import effsearch
        >>> family = effsearch.scale_family("efficientnet-b0", "1.2,1.1,1.15", [1])
        >>> family.members[0].cost.macs, family.members[0].resolution
        (992629472, 258)
    """
    if isinstance(coefficients, Coefficients):
        coefficients = f"{coefficients.alpha!r},{coefficients.beta!r},{coefficients.gamma!r}"
    measured = {} if meter is None else {f"latency_{key}": v for key, v in asdict(meter).items()}
    objects = {"baseline": baseline, "coefficients": coefficients, "phis": phis}
    made = ScaleOptions.make(measured, _plain(options), _plain(objects))
    return _scale(made, run_dir=Path(run_dir), name=name)


@_explicit(ComparisonConfig, ComparisonKeywords)
def compare_scaling(
    baselines: Sequence[NetworkLike] = (),
    *,
    run_dir: str | Path = "runs",
    name: str | None = None,
    quiet: bool = False,
    callbacks: Callbacks = (),
    **options: Unpack[ComparisonKeywords],
) -> ComparisonResult:
    """Compare one dimension with three at equal cost; `effsearch compare-scaling` as a function.

    Args:
        baselines: networks in any way one has them; empty for the newest baseline.
        run_dir, name, quiet, callbacks: as in `search_baseline`.
        options: those of the command line.

    Raises:
        EffsearchError: bad input, a resource that is missing.

    Example:
        >>> import effsearch
        >>> result = effsearch.compare_scaling(["efficientnet-b0"], budgets=[2], epochs=3)
        >>> result.run.split("/")[0]
        'comparison'
    """
    given = _plain(options) | {"baseline": baselines}
    return _compare(
        ComparisonConfig.make(given),
        run_dir=Path(run_dir),
        name=name,
        quiet=quiet,
        callbacks=callbacks,
    )


@_explicit(ComparisonConfig, ComparisonKeywords)
def resume_comparison(
    run: str | None = None,
    *,
    run_dir: str | Path = "runs",
    quiet: bool = False,
    callbacks: Callbacks = (),
    **changes: Unpack[ComparisonKeywords],
) -> ComparisonResult:
    """Go on with a stopped comparison; `effsearch compare-scaling --resume`.

    Example:
        >>> import effsearch
        >>> result = effsearch.compare_scaling(["efficientnet-b0"], budgets=[2], epochs=3)
        >>> effsearch.resume_comparison(result.run).rows == result.rows
        True
    """
    return _resume_comparison(
        run, _plain(changes), run_dir=Path(run_dir), quiet=quiet, callbacks=callbacks
    )


@_explicit(TrainConfig, TrainKeywords)
def train(
    model: NetworkLike | None = None,
    *,
    run_dir: str | Path = "runs",
    name: str | None = None,
    quiet: bool = False,
    callbacks: Callbacks = (),
    **options: Unpack[TrainKeywords],
) -> "TrainResult":
    """Train a network; `effsearch train` as a function.

    Args:
        model: a network in any way one has it; None as there.
        run_dir, name, quiet, callbacks: as in `search_baseline`.
        options: those of the command line; options of the recipe in
            `set`: `set={"lr": 0.01}`.

    Raises:
        EffsearchError: bad input, a training that diverged, a resource that is missing.

    Example:
        >>> import effsearch
        >>> result = effsearch.train("efficientnet-b0", data="digits", epochs=5)
        >>> network = effsearch.load_model(result.best)
    """
    from effsearch.training.runs.run import train_model  # imports torch

    given = _plain(options) | {"model": model}
    return train_model(
        TrainConfig.make(given), run_dir=Path(run_dir), name=name, quiet=quiet, callbacks=callbacks
    )


@_explicit(TrainConfig, TrainKeywords)
def resume_training(
    run: str | None = None,
    *,
    run_dir: str | Path = "runs",
    quiet: bool = False,
    callbacks: Callbacks = (),
    **changes: Unpack[TrainKeywords],
) -> "TrainResult":
    """Go on with a stopped training; `effsearch train --resume`.

    Example:
        >>> import effsearch
        >>> result = effsearch.train("efficientnet-b0", data="digits", epochs=5)
        >>> effsearch.resume_training(result.run).accuracy == result.accuracy
        True
    """
    from effsearch.training.runs import run as training  # imports torch

    return training.resume_training(
        run, _plain(changes), run_dir=Path(run_dir), quiet=quiet, callbacks=callbacks
    )


@_explicit((BenchConfig, BenchObjective), BenchKeywords)
def bench(
    *,
    run_dir: str | Path = "runs",
    name: str | None = None,
    quiet: bool = False,
    **options: Unpack[BenchKeywords],
) -> BenchResult:
    """Compare strategies at equal evaluations; `effsearch bench` as a function.

    Args:
        run_dir, name, quiet: as in `search_baseline`.
        options: those of the command line.

    Raises:
        EffsearchError: bad input, a target out of reach.

    Example:
        >>> import effsearch
        >>> two = {"strategies": "random,evolution", "seeds": 2, "samples": 20}
        >>> found = effsearch.bench(**two, run_dir="runs/mine", quiet=True)
        >>> sorted({standing.strategy for standing in found.standings})
        ['evolution', 'random']
    """
    return compare_as_told(_plain(options), run_dir=Path(run_dir), name=name, quiet=quiet)


def resume_bench(
    run: str, *, workers: int = 1, run_dir: str | Path = "runs", quiet: bool = False
) -> BenchResult:
    """Go on with a stopped benchmark; `effsearch bench --resume`.

    Args:
        run: path or `bench/001`.
        workers: searches at a time.
        run_dir, quiet: as in `search_baseline`.

    Raises:
        EffsearchError: no such run.

    Example:
        >>> import effsearch
        >>> two = {"strategies": "random,evolution", "seeds": 2, "samples": 20}
        >>> found = effsearch.bench(**two, run_dir="runs/mine", quiet=True)
        >>> effsearch.resume_bench(str(found.path), quiet=True).document == found.document
        True
    """
    return _resume_bench(run, workers=workers, run_dir=Path(run_dir), quiet=quiet)


@_explicit(AskTellConfig, AskTellKeywords)
def ask_tell(**options: Unpack[AskTellKeywords]) -> AskTell:
    """A search without trainings of ours: ask for networks, measure them anywhere, tell.

    Args:
        options: those of a baseline search that say what is searched and how.

    Raises:
        EffsearchError: bad input, or a target out of reach.

    Example:
        >>> import effsearch
        >>> search = effsearch.ask_tell(target_flops="400M", strategy="evolution", seed=1)
        >>> networks = search.ask(4)
        >>> search.tell(networks, [0.71, 0.74, None, 0.69])
        >>> search.best.accuracy
        0.74
    """
    return AskTell(AskTellConfig.make(_plain(options)))


def load_run(run: str | Path, *, run_dir: str | Path = "runs") -> Run:
    """Open a run for reading, by path or by a name such as `baseline/001`.

    Example:
        >>> import effsearch
        >>> effsearch.load_run("baseline/001").trials["macs"].min() > 0
        np.True_
    """
    return Run.open(Path(run_dir), run)


cost = of_any_network(_cost)
compound = of_any_network(_compound)
scale_to_cost = of_any_network(_scale_to_cost)
format_architecture = of_any_network(_format_architecture)


def _plain(options: Mapping[str, object]) -> dict[str, Any]:
    """Options with paths as text, as the command line has them."""
    return {
        key: os.fspath(value) if isinstance(value, Path) else value
        for key, value in options.items()
    }

"""`effsearch coefficients`: the grid search for α, β and γ."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from effsearch.cli.options import (
    RUNS,
    Baseline,
    ConfigFile,
    CpusPerTrial,
    Device,
    DryRun,
    GpusPerTrial,
    Json,
    MaxImages,
    Name,
    Pruning,
    Quiet,
    RayAddress,
    Real,
    Rounding,
    RunDir,
    SearchData,
    Seed,
    Text,
    TrainingEpochs,
    TrialTimeout,
    Whole,
    Workers,
    go_on_with,
    print_document,
    refuse_with_resume,
    settings,
    show_forecast,
)

if TYPE_CHECKING:
    from effsearch.gridsearch.answer import CoefficientsResult
    from effsearch.gridsearch.config import CoefficientsConfig

MANY_TIES = 5
"""From more ties than these on a longer look is advised."""


def coefficients(
    baseline: Baseline = None,
    phi: Annotated[Real, typer.Option(help="Where triples are compared; not 0 [1].")] = None,
    step: Annotated[Real, typer.Option(help="Of the grid, in hundredths [0.05].")] = None,
    tolerance: Annotated[
        Real,
        typer.Option(help="How far alpha*beta^2*gamma^2 may lie from 2, itself excluded [0.1]."),
    ] = None,
    alpha_bounds: Annotated[Text, typer.Option(help="Lowest and highest alpha [1,2].")] = None,
    beta_bounds: Annotated[Text, typer.Option(help="Lowest and highest beta [1,1.5].")] = None,
    gamma_bounds: Annotated[Text, typer.Option(help="Lowest and highest gamma [1,1.5].")] = None,
    constraint: Annotated[
        Text,
        typer.Option(
            help="nominal (default): alpha*beta^2*gamma^2 is about 2. measured: the counted "
            "multiply-adds are about 2^phi times the baseline's."
        ),
    ] = None,
    resolution_rounding: Rounding = None,
    data: SearchData = None,
    max_images: MaxImages = None,
    epochs: TrainingEpochs = None,
    proxy_resolution: Annotated[
        Whole,
        typer.Option(
            help="Pixels the baseline would be trained at; candidates at as many times that as "
            "their resolution is of the baseline's [the recipe's]."
        ),
    ] = None,
    seeds: Annotated[Whole, typer.Option(help="Trainings of each network [1].")] = None,
    repeats: Annotated[
        Whole,
        typer.Option(
            help="With one seed, networks that are trained once more, chosen by the model of the "
            "surface, so that noise is measured; 0 for none [5]."
        ),
    ] = None,
    prefer: Annotated[
        Text,
        typer.Option(
            help="default: the cheapest network within one posterior standard deviation of the "
            "best expected accuracy. accuracy: the best expected one. efficiency: the best of "
            "expected accuracy * MACs^-0.07."
        ),
    ] = None,
    pruning: Pruning = None,
    top: Annotated[
        Whole, typer.Option(help="Train so many of the best again before the choice [0].")
    ] = None,
    top_epochs: Annotated[
        Whole, typer.Option(help="Of the top trainings [3 times the grid's].")
    ] = None,
    top_seeds: Annotated[Whole, typer.Option(help="Trainings of each top network [3].")] = None,
    storage: Annotated[
        Text, typer.Option(help="URL of the study's database [study.db in the run].")
    ] = None,
    seed: Seed = None,
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    trial_timeout: TrialTimeout = None,
    device: Device = None,
    ray_address: RayAddress = None,
    config: ConfigFile = None,
    resume: Annotated[Text, go_on_with("coefficients/001")] = None,
    dry_run: DryRun = False,
    name: Name = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search how depth, width and resolution grow together: alpha, beta, gamma.

    Every triple with alpha*beta^2*gamma^2 near 2 scales the baseline by phi; triples that round to
    the same network are trained once. Writes RUN_DIR/coefficients/NNN with coefficients.json,
    trials.csv, a heat map and the Optuna study. Stop it with Ctrl-C, go on with --resume.
    """
    given = settings(locals())
    from effsearch.gridsearch.coefficients import resume_coefficients, search_coefficients
    from effsearch.gridsearch.config import make_config
    from effsearch.results.config import read_config

    for key in ("alpha_bounds", "beta_bounds", "gamma_bounds"):
        if key in given:
            given[key] = _bounds(key, given[key])
    file_values = read_config(config) if config else {}
    if resume is not None:
        refuse_with_resume(name, dry_run)
        result = resume_coefficients(resume, file_values | given, run_dir=run_dir, quiet=quiet)
    else:
        resolved = make_config(file_values, given)
        if dry_run:
            _dry_run(resolved, run_dir, as_json)
            return
        result = search_coefficients(
            resolved, run_dir=run_dir, name=name, quiet=quiet, command=["effsearch", *sys.argv[1:]]
        )
    _show(result, as_json, quiet)


def _bounds(key: str, text: str) -> list[float]:
    from effsearch.search_spaces.errors import InputError
    from effsearch.search_spaces.units import parse_numbers

    numbers = parse_numbers(text)
    if len(numbers) != 2:
        flag = key.replace("_", "-")
        raise InputError(f"--{flag} takes the lowest and the highest value, 1,1.5; not '{text}'")
    return list(numbers)


def _dry_run(config: "CoefficientsConfig", run_dir: Path, as_json: bool) -> None:
    from effsearch.gridsearch.setup import forecast, make_plan

    show_forecast(forecast(make_plan(config, run_dir)), as_json)


def _show(result: "CoefficientsResult", as_json: bool, quiet: bool) -> None:
    from effsearch.results.kinds.registry import resume_command
    from effsearch.results.kinds.surface import what_is_expected, what_mattered, why_chosen
    from effsearch.results.terminal import print_table

    answer = result.answer
    if as_json:
        print_document(answer)
        return
    print_table(
        (
            "alpha",
            "beta",
            "gamma",
            "product",
            "MACs",
            "measured",
            "accuracy",
            "expected",
            "interval",
            "",
        ),
        [_line(row) for row in _best_rows(result)],
    )
    if quiet:
        return
    for said in (why_chosen(answer), what_mattered(answer)):
        if said:
            print(said, file=sys.stderr)
    print(
        f"measured {answer['accuracy']:.4f}; {what_is_expected(answer)}; "
        f"{answer['interval_method']}",
        file=sys.stderr,
    )
    ties = len(answer["ties"])
    if ties > 1:
        print(f"{ties} networks cannot be told from the best by a t test", file=sys.stderr)
    if not answer["top"] and ties > MANY_TIES:
        print(
            "to tell them apart, train the five of which most is expected again, longer and over "
            f"three seeds: {resume_command(result.path, 'coefficients')} --top 5",
            file=sys.stderr,
        )
    print(f"coefficients: {result.path / 'coefficients.json'}", file=sys.stderr)


def _best_rows(result: "CoefficientsResult") -> list[dict[str, Any]]:
    """The chosen triple, then the best others, one for each network."""
    measured = [row for row in result.triples if row["accuracy"] is not None]
    measured.sort(key=lambda row: (not row["chosen"], -_standing(row), row["macs"]))
    by_network: dict[str, dict[str, Any]] = {}
    for row in measured:
        by_network.setdefault(row["network"], row)
    return list(by_network.values())[:8]


def _standing(row: dict[str, Any]) -> float:
    """What the choice went by: the longer training, else what is expected."""
    longer, expected = row["top_accuracy"], row["expected"]
    return float(longer if longer is not None else expected if expected is not None else -1.0)


def _accuracy(row: dict[str, Any]) -> float:
    return float(row["accuracy"] if row["top_accuracy"] is None else row["top_accuracy"])


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    from effsearch.search_spaces.units import format_count

    prefix = "expected_" if row["top_accuracy"] is None else "top_"
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    said = "chosen" if row["chosen"] else "tied with the best" if row["tied"] else ""
    return (
        f"{row['alpha']:g}",
        f"{row['beta']:g}",
        f"{row['gamma']:g}",
        f"{row['product']:.3f}",
        format_count(row["macs"]),
        f"{row['measured_ratio']:.2f}x",
        f"{_accuracy(row):.4f}",
        "-" if row["expected"] is None else f"{row['expected']:.4f}",
        "-" if low is None else f"{low:.4f} to {high:.4f}",
        said,
    )

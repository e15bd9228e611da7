"""`effsearch compare-scaling`: one dimension against three, at equal cost."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from effsearch.cli.options import (
    RUNS,
    Coefficients,
    ConfigFile,
    CpusPerTrial,
    Device,
    GpusPerTrial,
    Json,
    MaxImages,
    Name,
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
    settings,
)

if TYPE_CHECKING:
    from effsearch.gridsearch.compare_scaling.command import ComparisonResult


def compare_scaling(
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help="Zoo name, JSON file, notation, or a baseline run; may be given several times "
            "[newest finished baseline run, else efficientnet-b0]."
        ),
    ] = None,
    budgets: Annotated[
        Text,
        typer.Option(
            help="Multiply-adds every method spends: 2,4 for multiples of the baseline's, or "
            "amounts such as 800M,1.6G [2,4]."
        ),
    ] = None,
    budget_tolerance: Annotated[
        Real,
        typer.Option(help="Relative distance that still counts as the same budget [0.03]."),
    ] = None,
    coefficients: Coefficients = None,
    resolution_rounding: Rounding = None,
    data: SearchData = None,
    max_images: MaxImages = None,
    epochs: TrainingEpochs = None,
    proxy_resolution: Annotated[
        Whole,
        typer.Option(
            help="Pixels the baseline is trained at; scaled networks at as many times that as "
            "their resolution is of the baseline's [the recipe's]."
        ),
    ] = None,
    seeds: Annotated[Whole, typer.Option(help="Trainings of each network [3].")] = None,
    seed: Seed = None,
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    trial_timeout: TrialTimeout = None,
    device: Device = None,
    ray_address: RayAddress = None,
    config: ConfigFile = None,
    resume: Annotated[Text, go_on_with("comparison/001")] = None,
    name: Name = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare depth, width or resolution alone with all three together, at equal multiply-adds.

    All networks are trained the same way. Writes RUN_DIR/comparison/NNN with comparison.csv,
    comparison.json and a picture. Stop it with Ctrl-C, go on with --resume.
    """
    given = settings(locals())
    from effsearch.gridsearch.compare_scaling.command import compare_scaling as compare
    from effsearch.gridsearch.compare_scaling.command import resume_comparison
    from effsearch.gridsearch.compare_scaling.config import make_config
    from effsearch.results.config import read_config
    from effsearch.search_spaces.errors import InputError

    if budgets is not None:
        given["budgets"] = [part.strip() for part in budgets.split(",")]
    file_values = read_config(config) if config else {}
    if resume is not None:
        if name:
            raise InputError("--resume does not go with --name")
        result = resume_comparison(resume, file_values | given, run_dir=run_dir, quiet=quiet)
    else:
        result = compare(
            make_config(file_values, given),
            run_dir=run_dir,
            name=name,
            quiet=quiet,
            command=["effsearch", *sys.argv[1:]],
        )
    _show(result, as_json)
    if not quiet:
        print(f"comparison: {result.path / 'comparison.csv'}", file=sys.stderr)


def _show(result: "ComparisonResult", as_json: bool) -> None:
    from effsearch.results.terminal import print_table
    from effsearch.search_spaces.units import format_count

    if as_json:
        print_document(result.answer)
        return
    print_table(
        (
            *("baseline", "budget", "method", "x", "layers", "resolution", "params", "MACs", "off"),
            *("accuracy", "interval", ""),
        ),
        [
            (
                row["baseline"],
                format_count(row["budget"]),
                row["method"],
                f"{row['multiplier']:g}",
                str(row["layers"]),
                str(row["resolution"]),
                format_count(row["params"]),
                format_count(row["macs"]),
                f"{row['budget_error']:+.1%}",
                "-" if row["accuracy"] is None else f"{row['accuracy']:.4f}",
                "-" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}",
                _remark(row),
            )
            for row in result.rows
        ],
    )


def _remark(row: dict[str, Any]) -> str:
    if row["state"] != "done":
        return str(row["state"])
    return "tied with the best" if row["tied"] else ""

"""`effsearch baseline`: the MnasNet-style search for a baseline network."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from effsearch.cli.options import RUNS, Json, Name, Quiet, RunDir

if TYPE_CHECKING:
    from nas.answer import BaselineResult
    from nas.config import BaselineConfig

Text = str | None
Whole = int | None
Real = float | None


def baseline(
    target_flops: Annotated[
        Text, typer.Option(help="Wanted multiply-adds, such as 400M, 0.39G or 4e8.")
    ] = None,
    target_params: Annotated[Text, typer.Option(help="Wanted parameters, such as 5.3M.")] = None,
    target_memory: Annotated[
        Text, typer.Option(help="Wanted peak activation memory at batch 1, such as 8MB.")
    ] = None,
    objective: Annotated[
        Text,
        typer.Option(
            help="hard (default): accuracy, cut by (cost/target)^-1 above the target. soft: "
            "accuracy * (cost/target)^w everywhere, w = -0.07; the target does not move its "
            "optimum. absolute: accuracy + w*|cost/target - 1|."
        ),
    ] = None,
    weight: Annotated[Real, typer.Option(help="w of the objective, at most 0.")] = None,
    cost_tolerance: Annotated[
        Real, typer.Option(help="Fraction over a target still evaluated [0; soft: no bound].")
    ] = None,
    cost_band: Annotated[
        Real,
        typer.Option(
            help="Fraction under the first target still evaluated, 1 for no bound "
            "[0.1; soft and nsga2: no bound]."
        ),
    ] = None,
    space: Annotated[
        Text, typer.Option(help="mnasnet (default), efficientnetv2, or a YAML file.")
    ] = None,
    strategy: Annotated[
        Text,
        typer.Option(
            help="bayesian (default), evolution, random, local_search, ppo, tpe or nsga2."
        ),
    ] = None,
    evaluator: Annotated[
        Text,
        typer.Option(
            help="proxy (default: short trainings), TABLE.csv, package.module:function or "
            "file.py:function."
        ),
    ] = None,
    data: Annotated[
        Text,
        typer.Option(
            help="digits (default, embedded), a folder of images by class, or a folder with "
            "train*.parquet. Its test part is never read."
        ),
    ] = None,
    max_images: Annotated[Whole, typer.Option(help="Sample of the training images.")] = None,
    epochs: Annotated[Whole, typer.Option(help="Of each proxy training.")] = None,
    proxy_resolution: Annotated[Whole, typer.Option(help="Pixels in proxy training.")] = None,
    samples: Annotated[
        Whole, typer.Option("--samples", "-n", help="Networks to evaluate [100].")
    ] = None,
    batch_size: Annotated[
        Whole, typer.Option(help="Networks asked together [the strategy's own].")
    ] = None,
    finalists: Annotated[
        Whole, typer.Option(help="Train so many of the best again before the answer [0].")
    ] = None,
    finalist_seeds: Annotated[Whole, typer.Option(help="Trainings of each finalist [3].")] = None,
    finalist_epochs: Annotated[
        Whole, typer.Option(help="Of the finalists' trainings [3 times the search's].")
    ] = None,
    time_budget: Annotated[
        Text, typer.Option(help="Start no further network after, such as 10m or 4h.")
    ] = None,
    seed: Annotated[Whole, typer.Option(help="Of everything random [0].")] = None,
    workers: Annotated[Whole, typer.Option(help="Trials at a time [one a CPU core].")] = None,
    cpus_per_trial: Annotated[Whole, typer.Option(help="CPU threads of a trial [1].")] = None,
    gpus_per_trial: Annotated[
        Real, typer.Option(help="GPUs of a trial, such as 0.25 [a share of what there is].")
    ] = None,
    trial_timeout: Annotated[
        Text, typer.Option(help="Give a network up after, such as 90s.")
    ] = None,
    per_trial: Annotated[
        Whole, typer.Option(help="Networks in one Ray Tune trial [1; more where cheap].")
    ] = None,
    device: Annotated[Text, typer.Option(help="Of proxy training: auto, cpu, cuda.")] = None,
    ray_address: Annotated[
        Text, typer.Option(help="Of a Ray cluster, such as auto or host:6379.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file of these options; flags go over it.")
    ] = None,
    resume: Annotated[
        Text, typer.Option(help="Go on with this run: its path, or baseline/001.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, and its time; run nothing.")
    ] = False,
    name: Name = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search a baseline network for a budget.

    Ray Tune trains candidates of the space for a few epochs each; the reward weighs accuracy
    against cost. Writes RUN_DIR/baseline/NNN with baseline.json, trials.csv and the ledger.
    Stop it with Ctrl-C, go on with --resume.
    """
    not_options = ("config", "resume", "dry_run", "name", "run_dir", "as_json", "quiet")
    given = {
        key: value
        for key, value in locals().items()
        if key not in not_options and key != "not_options" and value is not None
    }
    from nas.baseline import resume_baseline, search_baseline
    from nas.config import make_config, read_config
    from search_spaces.errors import InputError

    file_values = read_config(config) if config else {}
    if resume is not None:
        if dry_run or name:
            raise InputError("--resume goes with neither --dry-run nor --name")
        result = resume_baseline(resume, file_values | given, run_dir=run_dir, quiet=quiet)
    else:
        resolved = make_config(file_values, given)
        if dry_run:
            _dry_run(resolved, as_json)
            return
        result = search_baseline(
            resolved, run_dir=run_dir, name=name, quiet=quiet, command=["effsearch", *sys.argv[1:]]
        )
    _show(result, as_json, quiet)


def _dry_run(config: "BaselineConfig", as_json: bool) -> None:
    from nas.forecast import forecast
    from results.terminal import print_table

    document = forecast(config)
    if as_json:
        print(json.dumps(document, indent=2))
        return
    print_table(("", ""), [(key, _text(value)) for key, value in document.items()])


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " to ".join(_text(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _show(result: "BaselineResult", as_json: bool, quiet: bool) -> None:
    from results.terminal import print_table
    from search_spaces.amounts import format_count

    if as_json:
        print(json.dumps(result.answer, indent=2, allow_nan=False))
        return
    print_table(
        ("trial", "reward", "accuracy", "MACs", "params", "network"),
        [
            (
                str(trial.number),
                f"{trial.reward:.4f}",
                f"{trial.accuracy:.4f}",
                format_count(trial.costs["macs"]),
                format_count(trial.costs["params"]),
                trial.architecture,
            )
            for trial in result.ranked[:5]
        ],
    )
    finalists = result.answer["finalists"]
    if finalists:
        print()
        print_table(
            ("finalist", "accuracy", "interval", "in the search", "MACs", ""),
            [
                (
                    str(row["trial"]),
                    f"{row['accuracy']:.4f}",
                    "-" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}",
                    f"{row['search_accuracy']:.4f}",
                    format_count(row["macs"]),
                    "cannot be told from the winner" if row["tied"] else "",
                )
                for row in finalists["rows"]
            ],
        )
        tau = finalists["rank_correlation"]
        said = "needs three finalists of different accuracy" if tau is None else f"{tau:.2f}"
        print(f"rank correlation of search and longer training (Kendall's tau): {said}")
    if not quiet:
        print(f"baseline: {result.path / 'baseline.json'}", file=sys.stderr)

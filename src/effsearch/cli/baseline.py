"""`effsearch baseline`: the MnasNet-style search for a baseline network."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from effsearch.cli.options import (
    RUNS,
    ConfigFile,
    CostTolerance,
    CpusPerTrial,
    Device,
    DryRun,
    GpusPerTrial,
    Json,
    LatencyTimeout,
    MaxImages,
    Name,
    Pruning,
    Quiet,
    RayAddress,
    Real,
    RunDir,
    SearchData,
    Seed,
    TargetFlops,
    TargetMemory,
    TargetParams,
    Text,
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
    from effsearch.nas.answer import BaselineResult
    from effsearch.nas.config import BaselineConfig


def baseline(
    target_flops: TargetFlops = None,
    target_params: TargetParams = None,
    target_memory: TargetMemory = None,
    memory_batch: Annotated[
        Whole,
        typer.Option(
            help="Let --target-memory be weights and peak activations with so many images at a "
            "time [activations of one image]."
        ),
    ] = None,
    target_latency: Annotated[
        Text,
        typer.Option(
            help="Wanted latency, such as 8ms: predicted by a table of effsearch lut build, and "
            "winners are measured before they are reported."
        ),
    ] = None,
    latency_table: Annotated[
        Text, typer.Option(help="The table [lut/SPACE-BACKEND-DEVICE-bBATCH.csv].")
    ] = None,
    latency_device: Annotated[
        Text, typer.Option(help="That winners are measured on: cpu, cuda or cuda:1 [cpu].")
    ] = None,
    latency_backend: Annotated[
        Text, typer.Option(help="torch or onnxruntime [as the table was measured].")
    ] = None,
    latency_threads: Annotated[
        Whole, typer.Option(help="Of a measurement on a CPU [as the table].")
    ] = None,
    latency_batch: Annotated[
        Whole, typer.Option(help="Images at a time in a measurement [as the table].")
    ] = None,
    latency_command: Annotated[
        Text,
        typer.Option(
            help="Measure winners by this command instead: it runs {onnx} and prints "
            "milliseconds. Its table is lut/SPACE-command-bBATCH.csv."
        ),
    ] = None,
    latency_measure: Annotated[
        Text,
        typer.Option(
            help="winner (default): measure the best network before it is reported. each: measure "
            "every network before it is trained, and reward it by that."
        ),
    ] = None,
    latency_timeout: LatencyTimeout = None,
    objective: Annotated[
        Text,
        typer.Option(
            help="hard (default): accuracy, cut by (cost/target)^-1 above the target. soft: "
            "accuracy * (cost/target)^w everywhere, w = -0.07; the target does not move its "
            "optimum. absolute: accuracy + w*|cost/target - 1|."
        ),
    ] = None,
    weight: Annotated[
        Text,
        typer.Option(
            help="w of the objective, at most 0; auto: what an earlier soft search worked out to "
            "put the optimum at the target."
        ),
    ] = None,
    cost_tolerance: CostTolerance = None,
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
    table_missing: Annotated[
        Text,
        typer.Option(
            help="Networks a table lacks: fail (default), or nearest for the nearest one's values."
        ),
    ] = None,
    data: SearchData = None,
    max_images: MaxImages = None,
    epochs: Annotated[Whole, typer.Option(help="Of each proxy training.")] = None,
    proxy_resolution: Annotated[Whole, typer.Option(help="Pixels in proxy training.")] = None,
    pruning: Pruning = None,
    samples: Annotated[
        Whole, typer.Option("--samples", "-n", help="Networks to evaluate [100].")
    ] = None,
    batch_size: Annotated[
        Whole, typer.Option(help="Networks asked together [the strategy's own].")
    ] = None,
    finalists: Annotated[
        Whole,
        typer.Option(
            help="Train so many of the best again before the answer; with nsga2 any number stands "
            "for its whole front [0]."
        ),
    ] = None,
    finalist_seeds: Annotated[Whole, typer.Option(help="Trainings of each finalist [3].")] = None,
    finalist_epochs: Annotated[
        Whole, typer.Option(help="Of the finalists' trainings [3 times the search's].")
    ] = None,
    time_budget: Annotated[
        Text, typer.Option(help="Start no further network after, such as 10m or 4h.")
    ] = None,
    seed: Seed = None,
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    trial_timeout: TrialTimeout = None,
    per_trial: Annotated[
        Whole, typer.Option(help="Networks in one Ray Tune trial [1; more where cheap].")
    ] = None,
    device: Device = None,
    ray_address: RayAddress = None,
    config: ConfigFile = None,
    resume: Annotated[Text, go_on_with("baseline/001")] = None,
    dry_run: DryRun = False,
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
    given = settings(locals())
    from effsearch.nas.auto_weight import with_learned_weight
    from effsearch.nas.baseline import resume_baseline, search_baseline
    from effsearch.nas.config import make_config, read_config

    file_values = read_config(config) if config else {}
    if resume is not None:
        refuse_with_resume(name, dry_run)
        result = resume_baseline(resume, file_values | given, run_dir=run_dir, quiet=quiet)
    else:
        resolved = make_config(file_values, given)
        if dry_run:
            _dry_run(with_learned_weight(resolved, run_dir)[0], as_json)
            return
        result = search_baseline(
            resolved, run_dir=run_dir, name=name, quiet=quiet, command=["effsearch", *sys.argv[1:]]
        )
    _show(result, as_json, quiet)


def _dry_run(config: "BaselineConfig", as_json: bool) -> None:
    from effsearch.nas.forecast import forecast

    show_forecast(forecast(config), as_json)


def _show(result: "BaselineResult", as_json: bool, quiet: bool) -> None:
    from effsearch.results.formatting import number
    from effsearch.results.terminal import print_table
    from effsearch.search_spaces.metrics import METRICS
    from effsearch.search_spaces.units import format_count

    if as_json:
        print_document(result.answer)
        return
    titles = {metric.name: metric.column for metric in METRICS.values() if metric.column}
    shown = [name for name in titles if any(name in trial.costs for trial in result.ranked)]
    if "predicted_latency_ms" not in shown:  # then the search knew predictions alone
        titles["latency_ms"] = "predicted"
    print_table(
        ("trial", "reward", "accuracy", *(titles[name] for name in shown), "network"),
        [
            (
                str(trial.number),
                f"{trial.reward:.4f}",
                f"{trial.accuracy:.4f}",
                *(number(name, trial.costs.get(name)) for name in shown),
                trial.architecture,
            )
            for trial in result.ranked[:5]
        ],
    )
    rewards = [trial.reward or 0.0 for trial in result.ranked[:5]]
    if not quiet and rewards != sorted(rewards, reverse=True):
        print(
            "ranked by the strategy's estimate, which evens out single trainings", file=sys.stderr
        )
    if result.answer["latency"]:
        _show_latency(result.answer)
    if result.answer["calibration"]:
        _show_calibration(result.answer)
    pruned = result.answer["pruning"]
    if pruned:
        print(
            f"successive halving gave {pruned['given_up']} trainings up: "
            f"{pruned['epochs_trained']:,} of {pruned['epochs_in_full']:,} epochs trained"
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


def _show_latency(answer: dict[str, Any]) -> None:
    """The winner's latency end to end, beside what was predicted and wanted."""
    found = answer["latency"]
    timing = found["timing"]
    threads = f", threads {timing['threads']}" if timing["threads"] else ""
    wanted = ""
    if found["target_ms"] is not None:
        wanted = f", target {found['target_ms']:g} ms ({found['error_of_target']:+.1%})"
    print(
        f"latency of trial {answer['trial']}: {found['measured_ms']:.3f} ms measured, "
        f"{found['predicted_ms']:.3f} ms predicted ({found['error_of_prediction']:+.1%}){wanted}\n"
        f"measured in quick runs (10%); median {timing['median_ms']:.3f} ms, p95 "
        f"{timing['p95_ms']:.3f} ms; batch {timing['batch']}, {timing['dtype']}, "
        f"{timing['backend']} on {timing['device']}{threads}"
    )


def _show_calibration(answer: dict[str, Any]) -> None:
    """Where the optimum of a soft reward lies, and what would move it to the target."""
    from effsearch.results.formatting import number

    found = answer["calibration"]
    metric = found["metric"]
    low, high = (number(metric, bound) for bound in found["optimum_interval"])
    print(
        f"optimum of the soft reward: about {number(metric, found['optimum'])} {metric} (90%: "
        f"{low} to {high}); the winner has {number(metric, answer[metric])}, the target is "
        f"{number(metric, found['target'])}"
    )
    if found["weight_at_target"] is None:
        print("no weight is known to put it at the target: too little was measured around it")
        return
    low, high = found["weight_interval"]
    print(
        f"weight expected to put it at the target: {found['weight_at_target']:.4f} (90%: "
        f"{low:.4f} to {high:.4f}); --weight auto takes it in another search"
    )

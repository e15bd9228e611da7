"""`effsearch baseline`: the MnasNet-style search for a baseline network."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from effsearch.cli.options import print_document, show_forecast
from effsearch.cli.run_command import Asked, run_command
from effsearch.nas.config import BaselineConfig
from effsearch.results.conditions import in_search
from effsearch.results.formatting import number
from effsearch.results.store.run import Run
from effsearch.results.terminal import print_records, print_table
from effsearch.search_spaces.metrics import METRICS
from effsearch.search_spaces.units import format_count, plural

if TYPE_CHECKING:
    from effsearch.nas.answer import BaselineResult


@run_command(BaselineConfig, "baseline")
def baseline(asked: Asked) -> None:
    """Search a baseline network for a budget.

    Ray Tune trains candidates of the space for a few epochs each; the reward weighs accuracy
    against cost. Writes RUN_DIR/baseline/NNN with baseline.json, trials.csv and the ledger.
    Ctrl-C stops it, --resume continues it.
    """
    from effsearch.nas.auto_weight import with_learned_weight
    from effsearch.nas.baseline import resume_baseline, search_baseline

    def dry_run(config: BaselineConfig) -> None:
        from effsearch.nas.forecast import forecast

        weighted, _ = with_learned_weight(config, asked.run_dir)
        show_forecast(forecast(weighted), asked.as_json)

    result = asked.result(search_baseline, resume_baseline, dry_run)
    if result is not None:
        _show(result, asked.as_json, asked.quiet)


def _show(result: "BaselineResult", as_json: bool, quiet: bool) -> None:

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
    if result.answer["finalists"] and result.answer["conditions"]:
        print(f"accuracy in the search {in_search(Run.load(result.path).record)}")
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
            f"successive halving stopped {plural(pruned['given_up'], 'training')} early: "
            f"{pruned['epochs_trained']:,} of {pruned['epochs_in_full']:,} epochs trained"
        )
    finalists = result.answer["finalists"]
    if finalists:
        print()
        print_records(
            {
                "finalist": str(row["trial"]),
                "accuracy": f"{row['accuracy']:.4f}",
                "interval": "-" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}",
                "in the search": f"{row['search_accuracy']:.4f}",
                "MACs": format_count(row["macs"]),
                "": "statistically tied with the winner" if row["tied"] else "",
            }
            for row in finalists["rows"]
        )
        tau = finalists["rank_correlation"]
        said = "needs three finalists of different accuracy" if tau is None else f"{tau:.2f}"
        print(f"rank correlation of search and longer training (Kendall's tau): {said}")
    if result.answer["fidelities"]:
        _show_fidelities(result.answer["fidelities"])
    if result.answer["estimates"]:
        _show_estimates(result.answer["estimates"])
    if result.answer["references"]:
        _show_references(result.answer["references"])
    if result.answer["conditions"]:
        print(f"accuracy {result.accuracy:.4f} {result.answer['conditions']['sentence']}")
    if not quiet:
        print(f"baseline: {result.path / 'baseline.json'}", file=sys.stderr)


def _show_references(references: Sequence[Mapping[str, Any]]) -> None:
    """The winner beside published networks that were trained as it was."""
    from effsearch.results.references import headline

    print()
    print_records(
        {
            "reference": row["name"],
            "accuracy": f"{row['accuracy']:.4f}",
            "interval": "-" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}",
            "MACs": format_count(row["macs"]),
        }
        for row in references
    )
    for row in references:
        print(headline(row))


def _show_fidelities(rows: Sequence[Mapping[str, Any]]) -> None:
    """How many trainings of each length there were, and what the shorter ones told."""

    def text(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    print()
    print_records(
        {
            "epochs": str(row["epochs"]),
            "trainings": str(row["trainings"]),
            "seconds": f"{row['seconds']:.0f}",
            "learned correlation": text(row.get("correlation")),
            "Kendall's tau (networks)": f"{text(row['kendall_tau'])} ({row['both']})"
            if "both" in row
            else "",
        }
        for row in rows
    )


def _show_estimates(found: Mapping[str, Any]) -> None:
    """What the search's estimates and the scores were worth on the networks that were trained."""

    print()
    print_table(
        ("estimate", "Kendall's tau with the trainings"),
        [
            (row["name"], "-" if row["kendall_tau"] is None else f"{row['kendall_tau']:.2f}")
            for row in found["rows"]
        ],
    )
    print(
        f"of {found['networks']} finalists, which are few and alike: orders that have nothing in "
        f"common differ from 0 by {found['chance']:.2f}; effsearch results scores RUN asks more "
        "networks, of a search that trained them"
    )


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

"""`effsearch results pareto | trial | compare | diff`: closer looks at networks and runs."""

from dataclasses import asdict
from typing import Annotated

import typer

from effsearch.cli.options import RUNS, Json, Quiet, RunDir, print_document
from effsearch.cli.results_options import (
    Csv,
    RunName,
    RunNames,
    find,
    print_csv,
    print_rows,
    refuse_both,
    refuse_without_trials,
    say,
    say_conditions,
    say_nothing_yet,
)
from effsearch.results.conditions import in_search
from effsearch.results.formatting import number
from effsearch.results.listing import trial_document
from effsearch.results.store.run import Run
from effsearch.results.store.run_events import run_events
from effsearch.results.store.table import trials_rows
from effsearch.results.store.trials import Trial, join_trials
from effsearch.results.terminal import print_table


def pareto(
    reference: RunName = None,
    cost: Annotated[
        str, typer.Option(help="Against macs, params, memory_bytes, or a measured latency_ms.")
    ] = "macs",
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    as_csv: Csv = False,
    quiet: Quiet = False,
) -> None:
    """Show the networks that no other of the run beats in both accuracy and a cost."""
    from effsearch.results.pareto import cost_of, front_of

    refuse_both(as_json, as_csv)
    run = find(run_dir, reference, quiet)
    found = front_of(join_trials(run_events(run)), cost)
    front = found.trials
    for note in found.notes:
        say(note, quiet)
    if as_json:
        head = {"run": run.reference, "status": run.status, "cost": cost}
        shown = {
            "front": [trial_document(trial) for trial in front],
            "left_out": [trial_document(trial) for trial in found.left_out],
        }
        print_document({**head, **shown})
        return
    if as_csv:
        print_csv(trials_rows(front))
        return
    if not front:
        say_nothing_yet(run, quiet)
        return
    say_conditions(run, quiet)
    print_rows(
        [
            {
                "trial": trial.number,
                "accuracy": trial.accuracy,
                cost: cost_of(trial, cost),
                "reward": trial.reward,
                "id": trial.arch_id,
                "architecture": trial.architecture,
            }
            for trial in front
        ]
    )


def trial(
    reference: Annotated[str, typer.Argument(metavar="RUN", help="As in `results show`.")],
    trial_id: Annotated[
        str, typer.Argument(metavar="ID", help="A trial's number, or the id of its network.")
    ],
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    as_csv: Csv = False,
    quiet: Quiet = False,
) -> None:
    """Show one network whole: what it is, what it scored, its layers and their costs.

    --csv prints the layers.
    """
    from effsearch.results.pareto import find_trial
    from effsearch.results.store.run_data import read_network
    from effsearch.search_spaces.profile import profile

    refuse_both(as_json, as_csv)
    run = find(run_dir, reference, quiet)
    refuse_without_trials(run)
    found = find_trial(join_trials(run_events(run)), trial_id)
    network = read_network(found)
    layers = [asdict(row) for row in profile(network)] if network else []
    if network is None:
        say("its notation is not understood here, so its layers cannot be shown", quiet)
    if as_json:
        print_document({"run": run.reference, **trial_document(found), "layers": layers})
        return
    if as_csv:
        print_csv(layers)
        return
    say_conditions(run, quiet)
    print_table(("", ""), _essentials(found))
    typer.echo()
    shown = ("name", "op", "kernel", "stride", "in_channels", "out_channels", "se_channels", "size")
    print_rows([{key: row[key] for key in (*shown, "macs", "params")} for row in layers])


def _essentials(found: Trial) -> list[tuple[str, str]]:
    """A trial as named lines; what it does not have is left out."""
    values: dict[str, object] = {
        "trial": found.number,
        "state": found.state,
        "network": found.architecture,
        "id": found.arch_id,
        "reward": found.reward,
        **found.costs,
        "seconds": found.seconds,
        "seed": found.seed,
        "worker": found.worker,
        "reason": found.reason,
        "error": found.error,
    }
    for name, value in found.measurements.items():
        text = " ".join(number(name, item) for item in value) if isinstance(value, list) else value
        values[f"measured {name}" if name in values else name] = text
    return [(name, number(name, value)) for name, value in values.items() if value is not None]


def compare(
    references: RunNames,
    budget: Annotated[
        int | None,
        typer.Option(min=1, help="Evaluations that count [as many as every run has ended]."),
    ] = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    as_csv: Csv = False,
    quiet: Quiet = False,
) -> None:
    """Put runs side by side: the best that each had found after equally many evaluations."""
    from effsearch.results.incumbents import common_budget, differences, incumbents
    from effsearch.results.loading import load_run_data

    refuse_both(as_json, as_csv)
    found = [Run.latest(run_dir, reference) for reference in references]
    for run in found:
        refuse_without_trials(run)
    runs = [load_run_data(run) for run in found]
    counted = common_budget(runs, budget)
    rows = [asdict(incumbent) for incumbent in incumbents(runs, counted)]
    different = differences(runs)
    if different:
        say(f"rewards are not comparable: these runs differ in {', '.join(different)}", quiet)
    if as_json:
        print_document({"budget": counted, "different": different, "runs": rows})
        return
    if as_csv:
        print_csv(rows)
        return
    for run in found:
        said = in_search(run.record)
        say(f"{run.reference}: accuracy {said}" if said else "", quiet or not said)
    say(f"the first {counted} evaluations of each run count; final_reward is of all", quiet)
    print_rows([{key: row[key] for key in row if key != "budget"} for row in rows])


def diff(
    left: Annotated[
        str, typer.Argument(metavar="ARCH", help="Zoo name, file, notation, or a baseline run.")
    ],
    right: Annotated[
        str, typer.Argument(metavar="ARCH", help="Network to compare it with.")
    ] = "efficientnet-b0",
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    as_csv: Csv = False,
    quiet: Quiet = False,
) -> None:
    """Show two networks side by side, part by part, with what each costs."""
    from effsearch.results.architecture_diff import compare_costs, compare_parts
    from effsearch.results.store.answers import find_baseline

    refuse_both(as_json, as_csv)
    one, other = find_baseline(run_dir, left), find_baseline(run_dir, right)
    say(f"left: {one.source} ({one.architecture.id})", quiet)
    say(f"right: {other.source} ({other.architecture.id})", quiet)
    parts = compare_parts(one.architecture, other.architecture)
    costs = compare_costs(one.architecture, other.architecture)
    if as_json:
        document = {
            "left": one.architecture.id,
            "right": other.architecture.id,
            "parts": [asdict(part) | {"same": part.same} for part in parts],
            "costs": [asdict(row) | {"ratio": row.ratio} for row in costs],
        }
        print_document(document)
        return
    if as_csv:
        print_csv([*map(asdict, parts), *map(asdict, costs)])
        return
    print_table(
        ("PART", "LEFT", "", "RIGHT"),
        [
            *((part.name, part.left, "=" if part.same else "|", part.right) for part in parts),
            *(
                (
                    row.name,
                    number(row.name, row.left),
                    "" if row.ratio is None else f"{row.ratio:.2f}x",
                    number(row.name, row.right),
                )
                for row in costs
            ),
        ],
    )

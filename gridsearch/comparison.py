"""`effsearch compare-scaling`: depth, width or resolution alone against all three together.

The design of EfficientNet's Figure 8 and Tables 3 and 7: every method spends the same counted
MACs, and all networks are trained the same way. Resolutions of the training scale as the networks'
own do.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from gridsearch.comparison_answer import comparison_csv, make_rows
from gridsearch.comparison_config import ComparisonConfig, make_config
from gridsearch.comparison_picture import draw_comparison
from gridsearch.plan import proxy_pixels
from gridsearch.running import (
    check_device,
    ending_recorded,
    queue_runner,
    refuse_changes,
    say,
)
from gridsearch.trainings import Job, ListSource, Measured, Trainings
from results.answers import find_baseline, find_coefficients
from results.files import write_atomically, write_json
from results.ledger import Ledger, iterate_events, read_events
from results.run import Run
from results.settings import changed_keys
from results.table import write_csv
from results.trials import join_trials
from search_spaces.amounts import format_count
from search_spaces.architecture import Architecture
from search_spaces.coefficients import doubts
from search_spaces.cost import Cost, cost
from search_spaces.errors import EffsearchError, InputError, MissingResourceError
from search_spaces.notation import format_architecture
from search_spaces.scaling import Coefficients
from search_spaces.scaling_search import Dimension, scale_to_cost
from training.trials.proxy import ProxyEvaluator, make_scaled_proxy

KIND = "comparison"
COMMAND = "compare-scaling"
METHODS: tuple[Dimension, ...] = get_args(Dimension)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One network of a comparison.

    Attributes:
        baseline: name of the network it was scaled from.
        method: `baseline` where nothing is scaled.
        budget: wanted MACs; the baseline's own where nothing is scaled.
        multiplier: of the dimension; φ where the method is `compound`.
        error: relative distance of the MACs from the budget.
        reachable: whether that is within the tolerance; what is not is not trained.
        pixels: side of the images in training.
    """

    baseline: str
    method: str
    budget: float
    multiplier: float
    architecture: Architecture
    cost: Cost
    error: float
    reachable: bool
    pixels: int


@dataclass(frozen=True, kw_only=True)
class ComparisonResult:
    """What a comparison found.

    Attributes:
        run: name such as `comparison/001`.
        path: the run directory.
        rows: of `comparison.csv`.
        answer: the content of `comparison.json`.
    """

    run: str
    path: Path
    rows: list[dict[str, Any]]
    answer: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """A checked comparison.

    Attributes:
        baselines: by name.
        entries: in the order of the table, unreachable ones included.
        record: what `run.json` says of baselines, data and recipe.
    """

    config: ComparisonConfig
    baselines: dict[str, Architecture]
    coefficients: Coefficients
    entries: list[Entry]
    evaluator: ProxyEvaluator
    record: dict[str, Any]

    @property
    def jobs(self) -> list[Job]:
        """Every different network that is reachable, once."""
        networks = {entry.architecture.id: entry for entry in self.entries if entry.reachable}
        return [
            Job(architecture=entry.architecture, resolution=entry.pixels)
            for entry in networks.values()
        ]

    def stored_config(self) -> dict[str, Any]:
        """The configuration as the run keeps it: coefficients as numbers."""
        chosen = self.coefficients
        return self.config.to_dict() | {
            "baseline": list(self.baselines),
            "coefficients": f"{chosen.alpha},{chosen.beta},{chosen.gamma}",
        }


def compare_scaling(
    config: ComparisonConfig,
    *,
    run_dir: Path = Path("runs"),
    name: str | None = None,
    quiet: bool = False,
    command: Sequence[str] = ("effsearch", COMMAND),
) -> ComparisonResult:
    """Compare the ways to scale in a new run.

    Raises:
        EffsearchError: see its children; `Interrupted` says how to resume.
    """
    check_device(config)
    plan = make_plan(config, run_dir)
    with Run.create(
        run_dir, KIND, name, command=command, config=plan.stored_config(), extra=plan.record
    ) as run:
        _introduce(run, plan, quiet)
        try:
            return _run(run, plan, quiet)
        except MissingResourceError:
            run.discard()  # nothing was started, so nothing is worth keeping
            raise


def resume_comparison(
    reference: str | None,
    changes: Mapping[str, Any],
    *,
    run_dir: Path = Path("runs"),
    quiet: bool = False,
) -> ComparisonResult:
    """Go on with a comparison that was stopped.

    Args:
        reference: path or `comparison/001`; None for the newest comparison.
        changes: configuration keys given anew; only those that do not change what is measured.

    Raises:
        InputError: no such run, or a change that would make it another comparison.
        EffsearchError: as `compare_scaling`.
    """
    from gridsearch.config import MAY_CHANGE

    found = Run.latest(run_dir, reference or KIND)
    if found.kind != KIND:
        raise InputError(f"run {found.reference} is no comparison run")
    config = make_config(found.config, changes)
    refuse_changes(found, changed_keys(found.config, config.to_dict(), MAY_CHANGE))
    check_device(config)
    plan = make_plan(config, run_dir)
    for key in ("data", "recipe", "networks"):
        if found.record.get(key) != json.loads(json.dumps(plan.record.get(key))):
            refuse_changes(found, [f"{key} (its content)"])
    with Run.resume(run_dir, found.path) as run:
        say(f"resuming {run.reference}", quiet)
        return _run(run, plan, quiet)


def make_plan(config: ComparisonConfig, run_dir: Path) -> Plan:
    """Find every network of the comparison; nothing is written and nothing is trained.

    Raises:
        InputError: something in the configuration does not exist or does not fit.
    """
    names: Sequence[str | None] = config.baseline or (None,)
    found = [find_baseline(run_dir, text) for text in names]
    baselines = {_name(one.source, one.architecture): one.architecture for one in found}
    how = find_coefficients(run_dir, config.coefficients)
    scaled = {
        name: _scaled(name, network, how.coefficients, config)
        for name, network in baselines.items()
    }
    factor = max(
        entry.architecture.resolution / baselines[name].resolution
        for name, entries in scaled.items()
        for entry in entries
        if entry.reachable
    )
    evaluator, record = make_scaled_proxy(
        config.data,
        config.recipe_options(),
        config.max_images,
        config.device,
        largest_factor=factor,
    )
    base = evaluator.recipe.resolution
    assert base is not None
    entries = [
        replace(entry, pixels=proxy_pixels(entry.architecture, baselines[name], base))
        for name, entries in scaled.items()
        for entry in entries
    ]
    record |= {
        "coefficients_source": how.source,
        "coefficients_doubt": doubts(how.coefficients),
        "baselines": {name: format_architecture(network) for name, network in baselines.items()},
        "networks": [entry.architecture.id for entry in entries],
    }
    return Plan(config, baselines, how.coefficients, entries, evaluator, record)


def _name(source: str, architecture: Architecture) -> str:
    """What a baseline is called in tables; a long line of notation by its network's id."""
    text = source.removeprefix("run ").split(" (")[0]
    return text if len(text) <= 40 else architecture.id


def _scaled(
    name: str, network: Architecture, coefficients: Coefficients, config: ComparisonConfig
) -> list[Entry]:
    own = cost(network)
    entries = [
        Entry(
            baseline=name,
            method="baseline",
            budget=float(own.macs),
            multiplier=1.0,
            architecture=network,
            cost=own,
            error=0.0,
            reachable=True,
            pixels=0,
        )
    ]
    for budget in config.budgets_of(own.macs):
        for method in METHODS:
            reached = scale_to_cost(
                network,
                method,
                budget,
                coefficients=coefficients,
                rounding=config.resolution_rounding,
            )
            entries.append(
                Entry(
                    baseline=name,
                    method=method,
                    budget=budget,
                    multiplier=reached.multiplier,
                    architecture=reached.architecture,
                    cost=reached.cost,
                    error=reached.error,
                    reachable=math.fabs(reached.error) <= config.budget_tolerance,
                    pixels=0,
                )
            )
    return entries


def _introduce(run: Run, plan: Plan, quiet: bool) -> None:
    chosen = plan.coefficients
    say(
        f"run {run.reference}: {', '.join(plan.baselines)}; compound by alpha {chosen.alpha:g}, "
        f"beta {chosen.beta:g}, gamma {chosen.gamma:g} ({plan.record['coefficients_source']})",
        quiet,
    )
    if plan.record["coefficients_doubt"]:
        say(f"warning: {plan.record['coefficients_doubt']}", quiet)
    for entry in plan.entries:
        if not entry.reachable:
            say(
                f"{entry.baseline}: {entry.method} comes no nearer to {format_count(entry.budget)} "
                f"MACs than {entry.error:+.1%}: unreachable, not trained",
                quiet,
            )


def _run(run: Run, plan: Plan, quiet: bool) -> ComparisonResult:
    with ending_recorded(run, COMMAND):
        measured = _run_trainings(run, plan, quiet)
        errors = [error for one in measured.values() for error in one.errors]
        if not any(one.accuracies for one in measured.values()):
            cause = f"; the first: {errors[0]}" if errors else ""
            raise EffsearchError(f"none of {len(measured)} networks could be trained{cause}")
        rows, noise = make_rows(plan.entries, measured)
        answer = _answer(run, plan, rows, noise)
        write_atomically(run.path / "comparison.csv", comparison_csv(rows))
        write_csv(join_trials(iterate_events(run.paths.ledger)), run.paths.csv)
        run.paths.plots.mkdir(exist_ok=True)
        draw_comparison(rows, answer, run.paths.plots / "comparison.png")
        write_json(run.paths.answer, answer)
    return ComparisonResult(run=run.reference, path=run.path, rows=rows, answer=answer)


def _run_trainings(run: Run, plan: Plan, quiet: bool) -> dict[str, Measured]:
    config, jobs = plan.config, plan.jobs
    with queue_runner(config, quiet) as run_queue, Ledger.open(run.paths.ledger) as ledger:
        say(ledger.notice or "", quiet)
        queue = Trainings(
            ListSource(jobs),
            ledger,
            read_events(ledger.path),
            networks=len(jobs),
            seeds=config.seeds,
            seed=config.seed,
        )
        run_queue(queue, plan.evaluator, "comparison")
    return queue.measured


def _answer(
    run: Run, plan: Plan, rows: list[dict[str, Any]], noise: dict[str, Any]
) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "kind": KIND,
        "run": run.reference,
        "baselines": plan.record["baselines"],
        "coefficients": {
            "source": plan.record["coefficients_source"],
            "alpha": plan.coefficients.alpha,
            "beta": plan.coefficients.beta,
            "gamma": plan.coefficients.gamma,
        },
        "budget_tolerance": plan.config.budget_tolerance,
        "seeds": plan.config.seeds,
        "seed": plan.config.seed,
        **noise,
        "data": plan.record["data"],
        "recipe": plan.record["recipe"],
        "flops_convention": run.record["flops_convention"],
        "versions": run.record["versions"],
        "rows": rows,
    }

"""The networks of a comparison: every method at every budget, as near as it comes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from effsearch.gridsearch.compare_scaling.config import ComparisonConfig
from effsearch.gridsearch.options import rule_of
from effsearch.gridsearch.setup import proxy_pixels
from effsearch.results.store.answers import find_baseline, find_coefficients
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.coefficients import doubts
from effsearch.search_spaces.cost import Cost, cost
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.scaling import Coefficients
from effsearch.search_spaces.scaling_search import Dimension, scale_to_cost
from effsearch.training.trials.budget import Budget, start_budget
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.jobs import Job
from effsearch.training.trials.options import resolved_training
from effsearch.training.trials.proxy import ProxyEvaluator, make_scaled_proxy

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


@dataclass(frozen=True)
class ComparisonPlan:
    """A checked comparison.

    Attributes:
        sources: what finds the baselines again.
        baselines: by name.
        entries: in the order of the table, unreachable ones included.
        notes: on what was taken where nothing was named.
        record: what `run.json` says of baselines, data and recipe.
        budget: of time; its clock started as the plan was begun.
    """

    config: ComparisonConfig
    sources: tuple[str, ...]
    baselines: dict[str, Architecture]
    coefficients: Coefficients
    entries: list[Entry]
    notes: tuple[str, ...]
    evaluator: ProxyEvaluator
    record: dict[str, Any]
    budget: Budget

    def typical(self) -> Request:
        """A network of the middle of the table, to see how many share a GPU."""
        middle = self.jobs[len(self.jobs) // 2]
        return Request(0, middle.architecture, self.config.seed, middle.resolution)

    @property
    def jobs(self) -> list[Job]:
        """Every different network that is reachable, once."""
        networks = {entry.architecture.id: entry for entry in self.entries if entry.reachable}
        return [
            Job(architecture=entry.architecture, resolution=entry.pixels)
            for entry in networks.values()
        ]

    def stored_config(self) -> dict[str, Any]:
        """The configuration as the run keeps it: coefficients as numbers, and nothing that decides
        it left to defaults."""
        chosen = self.coefficients
        trained = resolved_training(self.record["recipe"])
        return (
            self.config.to_dict()
            | trained
            | {
                "baseline": list(self.sources),
                "coefficients": f"{chosen.alpha},{chosen.beta},{chosen.gamma}",
            }
        )


def make_plan(config: ComparisonConfig, run_dir: Path) -> ComparisonPlan:
    """Find every network of the comparison; nothing is written and nothing is trained.

    Raises:
        InputError: something in the configuration does not exist or does not fit.
        MissingResourceError: GPU hours are counted and there is no GPU.
    """
    budget = start_budget(
        config.time_budget, config.gpu_hours, device=config.device, ray_address=config.ray_address
    )
    names: Sequence[str | None] = config.baseline or (None,)
    found = [find_baseline(run_dir, text) for text in names]
    sources = tuple(one.source.removeprefix("run ").split(" (")[0] for one in found)
    baselines = {
        _name(source, one.architecture): one.architecture
        for source, one in zip(sources, found, strict=True)
    }
    how = find_coefficients(run_dir, config.coefficients)
    taken = config.rule is None and how.rule is not None
    if taken:  # written down with the configuration, so that --resume scales as before
        config = replace(config, rule=how.rule)
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
    evaluator, record = make_scaled_proxy(config, config.device, largest_factor=factor)
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
    notes = (*(one.note for one in found), how.note, *([how.rule_note] if taken else []))
    return ComparisonPlan(
        config, sources, baselines, how.coefficients, entries, notes, evaluator, record, budget
    )


def _name(source: str, architecture: Architecture) -> str:
    """What a baseline is called in tables; a long line of notation by its network's id."""
    return source if len(source) <= 40 else architecture.id


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
                rule=rule_of(config.rule),
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

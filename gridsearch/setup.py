"""A checked configuration of a grid: whatever can be wrong before a training has been tried."""

import math
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from effsearch.gridsearch.candidates import Candidate, find_candidates
from effsearch.gridsearch.config import CoefficientsConfig
from effsearch.gridsearch.options import rule_of
from effsearch.results.store.answers import find_baseline
from effsearch.results.store.secrets import without_secrets
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.scaling_search import scale_to_cost
from effsearch.training.trials.budget import Budget, Later, start_budget
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.halving import ETA
from effsearch.training.trials.jobs import Job
from effsearch.training.trials.options import resolved_training
from effsearch.training.trials.proxy import ProxyEvaluator, make_scaled_proxy
from effsearch.training.trials.trainings import training_seed

TOP_EPOCHS = 3
"""How many times longer than in the grid the top networks are trained, unless told otherwise."""

_ALONE = 3  # dimensions: depth, width and resolution


@dataclass(frozen=True)
class GridPlan:
    """Everything a grid search needs, loaded.

    Attributes:
        baseline: what is scaled.
        note: on a baseline that was not named.
        candidates: distinct networks, cheapest first.
        resolutions: pixels each of them is trained at, by id.
        record: what `run.json` says of baseline, grid, data and recipe.
        budget: of time; its clock started as the plan was begun.
    """

    config: CoefficientsConfig
    baseline: Architecture
    source: str
    note: str
    candidates: list[Candidate]
    evaluator: ProxyEvaluator
    resolutions: dict[str, int]
    record: dict[str, Any]
    budget: Budget

    @property
    def triples(self) -> int:
        """Feasible triples of the grid."""
        return sum(len(candidate.triples) for candidate in self.candidates)

    def typical(self) -> Request:
        """The network in the middle by MACs, to see how long one takes or how many share a GPU."""
        middle = self.candidates[len(self.candidates) // 2]
        seed = training_seed(self.config.seed, middle.id, 0)
        return Request(0, middle.architecture, seed, self.resolutions[middle.id])

    @property
    def base_pixels(self) -> int:
        """Pixels that the baseline itself is trained at."""
        pixels = self.evaluator.recipe.resolution
        assert pixels is not None  # the evaluator saw to it
        return pixels

    @property
    def longer(self) -> ProxyEvaluator:
        """The evaluator with the epochs of the top networks."""
        recipe = self.evaluator.recipe
        epochs = self.config.top_epochs or TOP_EPOCHS * recipe.epochs
        return self.evaluator.with_recipe(replace(recipe, epochs=epochs))

    @property
    def times_longer(self) -> float:
        """How many times the grid's epochs a top network is trained for."""
        return self.longer.recipe.epochs / self.evaluator.recipe.epochs

    @property
    def later_repeats(self) -> list[Later]:
        """The second trainings that follow those of the grid."""
        count = self.config.repeats if self.config.seeds == 1 else 0
        return [Later(trainings=min(count, len(self.candidates)))]

    @property
    def later_top(self) -> list[Later]:
        """The longer trainings that follow these."""
        count = min(self.config.top, len(self.candidates)) * self.config.top_seeds
        return [Later(trainings=count, times=self.times_longer)]

    @property
    def later_references(self) -> list[Later]:
        """What is trained beside the chosen network, of about its cost."""
        config = self.config
        if config.reference == "none":
            return []
        if config.top:
            return [Later(trainings=_ALONE * config.top_seeds, times=self.times_longer)]
        return [Later(trainings=_ALONE * config.seeds)]

    @property
    def identity(self) -> str:
        """What the study's grid is, in one line."""
        config = self.config
        bounds = ", ".join(
            f"{name} {low:g}..{high:g}"
            for name, (low, high) in (
                ("alpha", config.alpha_bounds),
                ("beta", config.beta_bounds),
                ("gamma", config.gamma_bounds),
            )
        )
        return (
            f"phi {config.phi:g}, step {config.step:g}, {config.constraint} tolerance "
            f"{config.tolerance:g}, {bounds}, resolution {config.resolution_rounding}, "
            f"baseline {self.baseline.id}"
        )

    def job(self, candidate: Candidate) -> Job:
        """How a candidate is trained."""
        return Job(
            architecture=candidate.architecture,
            resolution=self.resolutions[candidate.id],
            label=tuple(candidate.triple),
        )

    def stored_config(self) -> dict[str, Any]:
        """The configuration as the run keeps it: the baseline itself, no password, and nothing
        that decides it left to defaults."""
        stored = self.config.to_dict() | {"baseline": format_architecture(self.baseline)}
        stored |= resolved_training(self.record["recipe"])
        stored["top_epochs"] = self.longer.recipe.epochs
        return dict(without_secrets(stored))


def make_plan(config: CoefficientsConfig, run_dir: Path) -> GridPlan:
    """Load and check all that a grid search needs; nothing is written and nothing is trained.

    Raises:
        InputError: something in the configuration does not exist or does not fit.
        InfeasibleError: no triple is feasible.
        MissingResourceError: GPU hours are counted and there is no GPU.
    """
    budget = start_budget(
        config.time_budget, config.gpu_hours, device=config.device, ray_address=config.ray_address
    )
    found = find_baseline(run_dir, config.baseline)
    baseline = found.architecture
    candidates = find_candidates(
        baseline,
        config.make_grid(),
        phi=config.phi,
        tolerance=config.make_tolerance(),
        constraint=config.constraint,
        rounding=config.resolution_rounding,
        rule=rule_of(config.rule),
    )
    largest = max(candidate.architecture.resolution for candidate in candidates)
    if config.reference != "none":  # the resolution alone grows farther than with the others
        dearest = max(candidate.cost.macs for candidate in candidates)
        largest = max(
            largest, scale_to_cost(baseline, "resolution", dearest).architecture.resolution
        )
    evaluator, record = make_scaled_proxy(
        config, config.device, largest_factor=largest / baseline.resolution
    )
    if config.pruning == "halving" and evaluator.recipe.epochs < ETA:
        raise InputError(f"pruning needs trainings of at least {ETA} epochs: raise --epochs")
    base_pixels = evaluator.recipe.resolution
    assert base_pixels is not None
    record |= {
        "baseline": found.to_dict(),
        "grid": {
            "triples": sum(len(candidate.triples) for candidate in candidates),
            "networks": len(candidates),
        },
    }
    resolutions = {
        candidate.id: proxy_pixels(candidate.architecture, baseline, base_pixels)
        for candidate in candidates
    }
    source, note = found.source, found.note
    return GridPlan(
        config, baseline, source, note, candidates, evaluator, resolutions, record, budget
    )


def proxy_pixels(network: Architecture, baseline: Architecture, base_pixels: int) -> int:
    """Pixels a scaled network is trained at: the proxy's, scaled as its own resolution was."""
    return max(1, math.floor(base_pixels * network.resolution / baseline.resolution + 0.5))


def forecast(plan: GridPlan) -> dict[str, Any]:
    """What a grid search would do, for `--dry-run`; trains the middle network for one epoch."""
    config, recipe = plan.config, plan.evaluator.recipe
    workers = config.workers or max(1, (os.cpu_count() or 1) // config.cpus_per_trial)
    seconds = _seconds_per_training(plan)
    epochs = config.top_epochs or TOP_EPOCHS * recipe.epochs
    top = min(config.top, len(plan.candidates)) * config.top_seeds * epochs / recipe.epochs
    repeats = min(config.repeats, len(plan.candidates)) if config.seeds == 1 else 0
    trainings = len(plan.candidates) * config.seeds
    estimate = round(seconds * (trainings + repeats + top) / workers)
    macs = [candidate.cost.macs for candidate in plan.candidates]
    return {
        "baseline": plan.note or plan.source,
        "phi": config.phi,
        "grid": plan.identity,
        "triples": plan.triples,
        "networks": len(plan.candidates),
        "macs": [min(macs), max(macs)],
        "trainings": trainings,
        "repeats": repeats,
        "top": min(config.top, len(plan.candidates)) * config.top_seeds,
        "epochs": recipe.epochs,
        "proxy_resolutions": [min(plan.resolutions.values()), max(plan.resolutions.values())],
        "data": plan.record["data"],
        **({"notes": "; ".join(plan.evaluator.notices)} if plan.evaluator.notices else {}),
        "workers": workers,
        "cpus_per_trial": config.cpus_per_trial,
        "gpus_per_trial": config.gpus_per_trial or 0,
        "seconds_per_training": seconds,
        "estimated_seconds": estimate,
        "estimated_hours": round(estimate / 3600, 2),
    }


def _seconds_per_training(plan: GridPlan) -> float:
    """One real epoch of the network in the middle by MACs, times the epochs."""
    recipe = plan.evaluator.recipe
    short = plan.evaluator.with_recipe(replace(recipe, epochs=1))
    short.prepare()
    start = time.perf_counter()
    short.evaluate([plan.typical()])
    return round((time.perf_counter() - start) * recipe.epochs, 2)

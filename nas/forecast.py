"""What a search would do, for `--dry-run`: sizes, cost ranges, resources, an estimate of time."""

import os
import time
from dataclasses import replace
from typing import Any

import numpy as np

from effsearch.nas.config import BaselineConfig
from effsearch.nas.search import trial_seed
from effsearch.nas.setup import Plan, make_plan
from effsearch.training.trials.evaluator import Request

_SAMPLES = 20_000


def forecast(config: BaselineConfig) -> dict[str, Any]:
    """Check a configuration and say what would run. Nothing is written.

    The time is that of whole trainings, those of finalists and references included; pruning gives
    some of them up. A front's finalists are not known before it is found and are counted as many
    as were asked for.

    Raises:
        EffsearchError: whatever would stop the search itself before its first trial.
    """
    config.check_wanted()
    plan = make_plan(config)
    rng = np.random.default_rng(config.seed)
    encodings = plan.space.sample(rng, _SAMPLES)
    inside = len(plan.problem.in_band(encodings))
    workers = config.workers or max(1, (os.cpu_count() or 1) // config.cpus_per_trial)
    seconds = _seconds_per_trial(plan)
    longer = _longer_trainings(plan)
    wanted = config.samples + longer * _times_longer(plan)
    total = None if seconds is None else round(seconds * wanted / workers)
    known = {"latency": plan.latency.note} if plan.latency else {}
    return known | {
        "space": plan.space.name,
        "encodings": plan.space.size,
        "ranges": {metric: list(bounds) for metric, bounds in plan.ranges.items()},
        "in_cost_band": f"{inside / _SAMPLES:.2%} of the space",
        "objective": plan.record["objective"],
        "strategy": config.strategy,
        "samples": config.samples,
        "batch_size": plan.batch_size,
        "longer_trainings": longer,
        "evaluator": config.evaluator,
        "pruning": config.pruning,
        **({"fidelities": list(config.fidelities)} if config.fidelities else {}),
        "data": plan.record.get("data", {}),
        **({"notes": "; ".join(plan.evaluator.notices)} if plan.evaluator.notices else {}),
        "workers": workers,
        "cpus_per_trial": config.cpus_per_trial,
        "gpus_per_trial": config.gpus_per_trial or 0,
        "seconds_per_network": seconds,
        "estimated_seconds": total,
    }


def _longer_trainings(plan: Plan) -> int:
    """Trainings of finalists, and of references where these are trained."""
    config = plan.config
    if not config.finalists:
        return 0
    networks = min(config.finalists, config.samples) + len(plan.references)
    return networks * config.finalist_seeds


def _times_longer(plan: Plan) -> float:
    """How many times longer than in the search a finalist is trained."""
    from effsearch.training.trials.proxy import ProxyEvaluator

    longer = plan.finalist_recipe
    if longer is None or not isinstance(plan.evaluator, ProxyEvaluator):
        return 1.0
    return longer.epochs / plan.evaluator.recipe.epochs


def _seconds_per_trial(plan: Plan) -> float | None:
    """One real proxy training of one epoch, times the epochs; unknown for the user's own code."""
    if plan.evaluator.cheap:
        return 0.0
    if plan.config.evaluator != "proxy":
        return None
    from effsearch.training.trials.proxy import ProxyEvaluator

    assert isinstance(plan.evaluator, ProxyEvaluator)
    epochs = plan.evaluator.recipe.epochs
    short = plan.evaluator.with_recipe(replace(plan.evaluator.recipe, epochs=1))
    short.prepare()
    (candidate,) = plan.problem.draw(np.random.default_rng(0), 1, set())
    start = time.perf_counter()
    short.evaluate([Request(0, candidate.architecture, trial_seed(0, candidate.id))])
    return round((time.perf_counter() - start) * epochs, 2)

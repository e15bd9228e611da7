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

    The time is that of whole trainings; pruning gives some of them up.

    Raises:
        EffsearchError: whatever would stop the search itself before its first trial.
    """
    plan = make_plan(config)
    rng = np.random.default_rng(config.seed)
    encodings = plan.space.sample(rng, _SAMPLES)
    inside = len(plan.problem.in_band(encodings))
    workers = config.workers or max(1, (os.cpu_count() or 1) // config.cpus_per_trial)
    seconds = _seconds_per_trial(plan)
    total = None if seconds is None else round(seconds * config.samples / workers)
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
        "evaluator": config.evaluator,
        "pruning": config.pruning,
        "data": plan.record.get("data", {}),
        **({"notes": "; ".join(plan.evaluator.notices)} if plan.evaluator.notices else {}),
        "workers": workers,
        "cpus_per_trial": config.cpus_per_trial,
        "gpus_per_trial": config.gpus_per_trial or 0,
        "seconds_per_network": seconds,
        "estimated_seconds": total,
    }


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

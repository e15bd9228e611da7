"""What a search would do, for `--dry-run`: sizes, cost ranges, resources, an estimate of time."""

import os
import time
from dataclasses import replace
from typing import Any

import numpy as np

from effsearch.nas.config import BaselineConfig
from effsearch.nas.setup import SearchPlan, make_plan

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
    wanted = config.samples + longer * plan.times_longer
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
        **_training(plan),
        **({"notes": "; ".join(plan.evaluator.notices)} if plan.evaluator.notices else {}),
        "workers": workers,
        "cpus_per_trial": config.cpus_per_trial,
        "gpus_per_trial": config.gpus_per_trial or 0,
        "seconds_per_network": seconds,
        "estimated_seconds": total,
        **_in_hours(config, total, workers),
    }


def _training(plan: SearchPlan) -> dict[str, int | None]:
    """Epochs and pixels, where networks are trained; None for the images' own."""
    longer = plan.finalist_recipe
    if longer is None or plan.trainer is None:
        return {}
    recipe = plan.trainer.recipe
    short: dict[str, int | None] = (
        {"epochs": recipe.epochs} if plan.trainer is plan.evaluator else {}
    )
    finalists = {"finalist_epochs": longer.epochs} if plan.config.finalist_count else {}
    return short | finalists | {"pixels": recipe.resolution}


def _gpus_in_use(config: BaselineConfig, workers: int) -> float:
    """GPUs of all trainings at a time; those of a cluster are not known before it is joined."""
    if isinstance(config.gpus_per_trial, float):
        return workers * config.gpus_per_trial
    if config.device == "cpu" or config.ray_address:
        return 0.0
    import torch

    return float(torch.cuda.device_count())


def _in_hours(config: BaselineConfig, seconds: int | None, workers: int) -> dict[str, Any]:
    """The estimate as it is paid for, and what a budget leaves of it."""
    if seconds is None:
        return {}
    found: dict[str, Any] = {"estimated_hours": round(seconds / 3600, 2)}
    gpus = _gpus_in_use(config, workers)
    if gpus:
        found["estimated_gpu_hours"] = round(gpus * seconds / 3600, 2)
    limits = [config.time_budget] if config.time_budget is not None else []
    if config.gpu_hours is not None and gpus:
        limits.append(3600 * config.gpu_hours / gpus)
    if limits:
        found["budget"] = (
            f"{min(limits):.0f} s, {'enough' if seconds <= min(limits) else 'less than all takes'}"
        )
    return found


def _longer_trainings(plan: SearchPlan) -> int:
    """Trainings of finalists, and of references where these are trained."""
    config = plan.config
    if not config.finalist_count:
        return 0
    networks = min(config.finalist_count, config.samples) + len(plan.references)
    return networks * config.finalist_seeds


def _seconds_per_trial(plan: SearchPlan) -> float | None:
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
    typical = plan.typical()
    start = time.perf_counter()
    short.evaluate([typical])
    return round((time.perf_counter() - start) * epochs, 2)

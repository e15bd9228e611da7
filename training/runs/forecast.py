"""What a training would do, for `--dry-run`: sizes, costs, schedule, an estimate of time."""

import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture
from effsearch.training.recipes.schedule import schedule_rows
from effsearch.training.runs.config import TrainConfig
from effsearch.training.runs.preparation import make_plan
from effsearch.training.runs.setup import TrainingPlan, describe_data

TIMED_SECONDS = 3.0
MOST_TIMED_STEPS = 20


def forecast(config: TrainConfig, root: Path) -> dict[str, Any]:
    """Check a configuration and say what would run. Nothing is written.

    Raises:
        EffsearchError: whatever would stop the training before its first step.
    """
    plan = make_plan(config, root)
    counted, batches = cost(plan.architecture), plan.batches
    seconds = _seconds_per_step(plan)
    total = None if seconds is None else round(seconds * batches.steps * plan.recipe.epochs)
    return {
        "model": plan.model,
        "network": format_architecture(plan.architecture),
        "id": plan.architecture.id,
        "params": counted.params,
        "macs": counted.macs,
        "memory_bytes": counted.memory_bytes,
        "resolution": plan.resolution,
        "data": describe_data(config.data, plan.source),
        "recipe_name": config.recipe,
        "epochs": plan.recipe.epochs,
        "steps_per_epoch": batches.steps,
        "images_per_step": batches.images_per_step,
        "workers": config.num_workers,
        "device": str(plan.source.device),
        "seconds_per_step": seconds,
        "estimated_seconds": total,
        "estimated_hours": None if total is None else round(total / 3600, 2),
        "recipe": asdict(plan.recipe),
        "schedule": schedule_rows(plan.recipe, plan.resolution, batches.steps, config.num_workers),
        "notes": list(plan.notes),
    }


class _Timed(Exception):
    """Enough steps were taken."""


def _seconds_per_step(plan: TrainingPlan) -> float | None:
    """Real steps of the first epoch, the first one left out: it warms up. None where there is
    one step alone."""
    from effsearch.training.loop.reports import StepReport
    from effsearch.training.loop.trainer import Trainer

    trainer = Trainer(
        plan.network, plan.source, plan.recipe, resolution=plan.resolution, seed=plan.config.seed
    )
    reports: list[tuple[int, float]] = []

    def watch(report: StepReport) -> None:
        reports.append((report.step, time.perf_counter()))
        timed = reports[-1][1] - reports[0][1]
        if report.step == min(report.steps, MOST_TIMED_STEPS) or timed > TIMED_SECONDS:
            raise _Timed

    with suppress(_Timed):
        trainer.train(on_step=watch)
    (first, start), (last, end) = reports[0], reports[-1]
    return round((end - start) / (last - first), 4) if last > first else None

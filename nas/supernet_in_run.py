"""The supernet of a search: trained once into its run, where a resumed search finds it."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from effsearch.nas.evaluators.supernet import SupernetEvaluator
from effsearch.nas.problem import Problem
from effsearch.nas.setup import SearchPlan
from effsearch.results.lifecycle import say
from effsearch.results.store.run import Run
from effsearch.search_spaces.space import Encodings
from effsearch.training.trials.evaluator import Evaluator

if TYPE_CHECKING:  # they load torch, which a search in processes of its own has no need of
    from effsearch.training.supernet.sampling import Draw
    from effsearch.training.supernet.trainer import SupernetReport

SUPERNET_FILE = "supernet.safetensors"


def ready_evaluator(run: Run, plan: SearchPlan, quiet: bool) -> Evaluator:
    """The plan's evaluator; a supernet that has no weights yet is trained before.

    Raises:
        EffsearchError: the supernet's training diverged, or its file cannot be written.
    """
    evaluator = plan.evaluator
    if not isinstance(evaluator, SupernetEvaluator) or evaluator.file is not None:
        return evaluator
    from effsearch.training.supernet.running import train_supernet
    from effsearch.training.supernet.storing import read_supernet

    path = run.path / SUPERNET_FILE
    config = plan.config
    recipe = evaluator.recipe
    if path.exists() and config.supernet_recipe is None:
        recipe = read_supernet(path)[1].recipe  # it goes on with the default it was begun with
    train_supernet(
        path,
        plan.space,
        evaluator.trainer.dataset,
        # Nothing else runs beside it, so it may have as many threads as any training.
        replace(recipe, training=replace(recipe.training, threads=config.cpus_per_trial)),
        device=config.device,
        seed=config.seed,
        draw=band_draw(plan.problem),
        band=plan.record["objective"],
        data_options={"max_images": config.max_images},
        on_report=partial(_tell_in_search, quiet),
    )
    return evaluator.trained(path)


def band_draw(problem: Problem) -> "Draw | None":
    """Draws networks of a problem's cost band; None where it has none."""
    if not problem.objective.is_banded:
        return None

    def draw(rng: np.random.Generator, count: int) -> Encodings:
        found = problem.draw(rng, count, frozenset())
        return np.array([candidate.encoding for candidate in found], dtype=np.int64)

    return draw


def _tell_in_search(quiet: bool, report: "SupernetReport") -> None:
    tell(quiet, report)
    if report.warning:
        say("the answer therefore rests on the finalists' trainings alone", quiet)


def tell(quiet: bool, report: "SupernetReport") -> None:
    """Say how far the training of a supernet is."""
    say(f"supernet: {report.progress}", quiet)
    if report.warning:
        say(report.warning, quiet)

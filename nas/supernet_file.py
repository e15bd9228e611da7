"""A supernet trained into a file of its own, for searches to come."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from effsearch.nas.objective import describe, make_objective
from effsearch.nas.options import ObjectiveOptions
from effsearch.nas.problem import Problem
from effsearch.nas.supernet_in_run import band_draw
from effsearch.search_spaces.space import SearchSpace
from effsearch.training.data.dataset import load_train
from effsearch.training.supernet.recipe import default_recipe, supernet_recipe
from effsearch.training.supernet.running import train_supernet
from effsearch.training.supernet.storing import SupernetInfo, read_supernet
from effsearch.training.supernet.trainer import SupernetReport


def train_supernet_file(
    path: Path,
    space: SearchSpace,
    *,
    data: str,
    recipe: str | None = None,
    epochs: int | None = None,
    resolution: int | None = None,
    max_images: int | None = None,
    target_flops: float | None = None,
    device: str = "auto",
    threads: int = 1,
    seed: int = 0,
    on_report: Callable[[SupernetReport], None] | None = None,
) -> SupernetInfo:
    """Train a supernet on a dataset into a file; one that was stopped goes on.

    Args:
        path: of the file; its folder is made.
        data: `digits` or a directory of images; their test part is never read.
        recipe: of a supernet, by name or file; None for `default_recipe`.
        epochs, resolution: None for the recipe's.
        max_images: sample of the training part; None for all.
        target_flops: trains on networks within the cost band of this target alone; None for all.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        threads: of the processor.
        seed: of everything random.
        on_report: hears how far it is, about every minute.

    Raises:
        InputError: something does not exist or does not fit, or the file is of another training.
        InfeasibleError: the space cannot reach the target.
        EffsearchError: it diverged, or the file cannot be written.
    """
    named = {} if resolution is None else {"resolution": resolution}
    if recipe is None:
        recipe = default_recipe(space)
        if path.exists() and not read_supernet(path)[1].recipe.blockwise:
            recipe = "single_path"  # what was begun before there was another default goes on
    found = supernet_recipe(recipe, data, named, epochs)
    found = replace(found, training=replace(found.training, threads=threads))
    objective = make_objective(ObjectiveOptions(target_flops=target_flops))
    problem = Problem.of(space, objective)
    dataset = load_train(data, resolution=found.training.resolution, max_images=max_images)
    path.parent.mkdir(parents=True, exist_ok=True)
    return train_supernet(
        path,
        space,
        dataset,
        found,
        device=device,
        seed=seed,
        draw=band_draw(problem),
        band=describe(objective.targets),
        data_options={"max_images": max_images},
        on_report=on_report,
    )

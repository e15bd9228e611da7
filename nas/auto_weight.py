"""`--weight auto`: the weight of a soft objective that an earlier search worked out."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from effsearch.nas.config import BaselineConfig, make_config
from effsearch.results.store.alike import still_holds
from effsearch.results.store.files import read_json_object
from effsearch.results.store.run_index import readable_records
from effsearch.search_spaces.errors import InputError

# What decides how accuracy grows with cost, and what is wanted.
_SAME = (
    "target_flops",
    "target_params",
    "target_memory",
    "memory_batch",
    "target_latency",
    "latency_table",
    "objective",
    "space",
    "evaluator",
    "data",
    "max_images",
    "skip_bad",
    "image_column",
    "label_column",
)


def with_learned_weight(config: BaselineConfig, run_dir: Path) -> tuple[BaselineConfig, str]:
    """A configuration whose weight is a number, and a line that says where it is from.

    It is that of the newest finished search of the same space, data and target which found one
    (`effsearch.nas.calibration`). The line is empty where the weight was no `auto`.

    Raises:
        InputError: there is no such search.
    """
    if config.weight != "auto":
        return config, ""
    for path, record in reversed(readable_records(run_dir, "baseline")):
        if record["status"] != "finished":
            continue
        weight = _found(path, record, config)
        if weight is not None:
            source = f"w = {weight:.4f} as baseline/{path.name} worked it out"
            return replace(config, weight=weight), source
    raise InputError(
        "weight auto takes the weight that an earlier soft search of the same space, data and "
        f"target worked out, and {run_dir} holds none: search once without it"
    )


def _found(path: Path, record: Mapping[str, Any], config: BaselineConfig) -> float | None:
    try:
        earlier = make_config(record["config"])
        answer = read_json_object(path / "baseline.json")
    except InputError:
        return None  # of another version, or damaged
    calibration: Any = answer.get("calibration")
    if any(getattr(earlier, key) != getattr(config, key) for key in _SAME) or not calibration:
        return None
    if config.evaluator == "proxy" and not _trained_alike(record.get("recipe"), config):
        return None
    weight: float | None = calibration["weight_at_target"]
    return weight


def _trained_alike(recipe: Any, config: BaselineConfig) -> bool:
    """Whether an earlier search trained its networks by the recipe of this one.

    A batch that was not asked for follows the number of images, which are the same.
    """
    from effsearch.training.recipes.recipe import proxy_recipe

    options = config.recipe_options()
    wanted = asdict(proxy_recipe(config.data, options))
    if "batch_size" not in options:
        del wanted["batch_size"]
    return isinstance(recipe, Mapping) and still_holds(
        {key: value for key, value in recipe.items() if key in wanted}, wanted
    )

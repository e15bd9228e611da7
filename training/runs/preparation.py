"""From what `effsearch train` is told to a checked training; nothing is written here.

Whatever can be wrong before the first step is tried: names, files, device, memory, sizes.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from effsearch.results.loggers import check_loggers
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.network import Network
from effsearch.training.devices.device import choose_device
from effsearch.training.loop.batch_size import fitting_batch_size
from effsearch.training.models.transfer import read_weights, transfer_weights
from effsearch.training.recipes import family_dropout, named_recipe, recipe_names
from effsearch.training.recipes.recipe import DATASET_OPTIONS, Recipe, batch_for
from effsearch.training.recipes.schedule import schedule_notes
from effsearch.training.runs.checkpoint_index import find_checkpoint
from effsearch.training.runs.config import TrainConfig
from effsearch.training.runs.initial import as_trained, build_initial
from effsearch.training.runs.model import FoundModel, find_model
from effsearch.training.runs.resolution import training_resolution
from effsearch.training.runs.setup import TrainingPlan
from effsearch.training.sources import ImageSource, open_source
from effsearch.training.sources.opening import Statistics
from effsearch.training.sources.parts import Parts, find_parts

if TYPE_CHECKING:
    from torch import Tensor

    from effsearch.training.models.model_file import ModelInfo

    Weights = tuple[dict[str, Tensor], ModelInfo | None]

FAMILY_RECIPES = ("efficientnet", "finetune", "modern")
"""Recipes whose dropout is the network's own: larger members of a family have more."""

SMALL = 64
"""Up to so many pixels, a stem of stride 2 is worth a word."""

SHARED_FROM = 64
"""Pixels from which threads share a step on a CPU. `effsearch train` of EfficientNet-B0 with
`--set threads=1` and `2` trained 460 and 240 images/s at 16 px, 297 and 209 at 32, 120 and 137 at
64: smaller steps are over before a thread that waits passively has begun."""


def make_plan(config: TrainConfig, root: Path) -> TrainingPlan:
    """Load and check all that a training needs; nothing is written and nothing is trained.

    Args:
        root: folder of the runs, where families and baselines are looked for.

    Raises:
        InputError: something in the configuration does not exist or does not fit.
        MissingResourceError: the device or a logger's package is not there.
    """
    check_loggers(config.logger)
    device = _own_device(config)
    weights, file = None, ""
    if config.from_checkpoint is not None:
        file = str(find_checkpoint(root, config.from_checkpoint))
        config, weights = replace(config, from_checkpoint=file), read_weights(file)
    found = _find(config, root, weights)
    recipe = _recipe(config, found.phi)
    parts = _parts(config, recipe)
    resolution, notes = _resolution(config, recipe, found.architecture.resolution, parts.own_side)
    recipe = replace(
        recipe, resolution=resolution, threads=_threads(config, recipe, resolution, device)
    )
    source = _open(config, parts, device, recipe, config.levels)
    architecture = as_trained(
        found.architecture,
        stem_stride=config.stem_stride,
        resolution=resolution,
        classes=len(source.class_names),
    )
    network = build_initial(architecture, recipe, config.seed)
    if weights is not None:
        notes.append(transfer_weights(network, *weights, file))
    recipe = replace(recipe, batch_size=_batch_size(config, recipe, source, network, resolution))
    return TrainingPlan(
        config=config,
        model=found.source,
        found=found.architecture,
        architecture=architecture,
        network=network,
        recipe=recipe,
        source=source,
        notes=(
            *notes,
            *_doubts(config, source, architecture),
            *schedule_notes(recipe),
            *source.notices,
        ),
    )


def remake_plan(config: TrainConfig, record: Mapping[str, Any], *, weights: bool) -> TrainingPlan:
    """The plan of a run that is resumed, from its record.

    Args:
        weights: whether the network has to start from the weights of `--from`; else a checkpoint
            is loaded over it.

    Raises:
        InputError: the record is damaged, or data or weights are gone.
        MissingResourceError: as `make_plan`.
    """
    check_loggers(config.logger)
    device = _own_device(config)
    architecture, recipe, statistics = _recorded(record)
    source = open_images(config, device, recipe, statistics)
    network = build_initial(architecture, recipe, config.seed)
    if weights and config.from_checkpoint is not None:
        transfer_weights(network, *read_weights(config.from_checkpoint))
    return TrainingPlan(
        config=config,
        model=str(record["model"]),
        found=architecture,
        architecture=architecture,
        network=network,
        recipe=recipe,
        source=source,
        notes=source.notices,
    )


def open_images(
    config: TrainConfig, device: torch.device, recipe: Recipe, statistics: Statistics
) -> ImageSource:
    """The images of a training that was planned, on a device; on every worker, where several train.

    Args:
        statistics: the training's. Measured anew they would differ where other images fit the
            memory: of streamed images a sample is measured.

    Raises:
        InputError: there are none of that name, or they cannot be trained on.
    """
    return _open(config, _parts(config, recipe), device, recipe, statistics)


def _parts(config: TrainConfig, recipe: Recipe) -> Parts:
    return find_parts(
        config.data,
        validation=recipe.validation,
        split_seed=recipe.split_seed,
        max_images=config.max_images,
        columns=config.columns,
    )


def _open(
    config: TrainConfig,
    parts: Parts,
    device: torch.device,
    recipe: Recipe,
    statistics: Statistics | None,
) -> ImageSource:
    assert recipe.resolution is not None
    return open_source(
        parts,
        device,
        recipe=recipe,
        resolution=recipe.resolution,
        skip_bad=config.skip_bad,
        loader_workers=config.loader_workers,
        statistics=statistics,
        processes=config.num_workers,
    )


def _own_device(config: TrainConfig) -> torch.device:
    """Where this process has its images.

    Workers of a cluster may have GPUs that this machine has not; Ray says if there are none.
    """
    elsewhere = config.ray_address is not None and config.device == "cuda"
    return choose_device("auto" if elsewhere else config.device)


def _find(config: TrainConfig, root: Path, weights: "Weights | None") -> FoundModel:
    """The network that is named, or that of the checkpoint where none is."""
    if weights is None or config.model is not None or config.phi is not None:
        return find_model(root, config.model, config.phi)
    info = weights[1]
    if info is None:
        raise InputError(
            f"'{config.from_checkpoint}' does not say which network it belongs to: add --model, "
            "such as --model efficientnet-b0"
        )
    return FoundModel(
        architecture=info.architecture, source=f"the network of {config.from_checkpoint}"
    )


def _recipe(config: TrainConfig, phi: float) -> Recipe:
    """The recipe with the member's dropout, unless it says otherwise."""
    options = config.recipe_options()
    recipe = named_recipe(config.recipe, config.data, options)
    if config.recipe in FAMILY_RECIPES and "dropout" not in options:
        return replace(recipe, dropout=family_dropout(phi))
    return recipe


def _threads(config: TrainConfig, recipe: Recipe, resolution: int, device: torch.device) -> int:
    """CPU threads of a worker: the machine's share of it, unless the recipe says otherwise."""
    if config.recipe not in recipe_names() or "threads" in config.recipe_options():
        return recipe.threads
    if device.type == "cpu" and resolution < SHARED_FROM:
        return 1
    # torch's own count: the machine's cores, or what OMP_NUM_THREADS leaves of them.
    return max(1, torch.get_num_threads() // config.num_workers)


def _resolution(
    config: TrainConfig, recipe: Recipe, own: int, images: int
) -> tuple[int, list[str]]:
    """Pixels to train at, and what is to be said of them.

    Args:
        own: the network's; images: the dataset's.
    """
    told = config.resolution or recipe.resolution
    if told is not None:
        return told, []
    wanted = DATASET_OPTIONS.get(config.data, {}).get("resolution")
    pixels = training_resolution(own, images, wanted)
    if pixels == own:
        return own, []
    return pixels, [
        f"images of {images} px: training at {pixels} px, not at the network's {own} "
        "(--resolution sets another)"
    ]


def _batch_size(
    config: TrainConfig, recipe: Recipe, source: ImageSource, network: Network, resolution: int
) -> int:
    """Images of a batch on one worker.

    Raises:
        InputError: the batch that was asked for is larger than the data.
        EffsearchError: not even two images fit the memory.
    """
    if config.batch_size == "auto":
        fitting = fitting_batch_size(
            network,
            recipe,
            classes=len(source.class_names),
            resolution=resolution,
            device=source.device,
        )
        if fitting is None:
            raise EffsearchError(
                f"not even two images of {resolution} px fit the memory of {source.device}: take a "
                "smaller network or --resolution"
            )
        return fitting
    images, parts = len(source.labels["train"]), recipe.accumulate * config.num_workers
    if "batch_size" in config.recipe_options() and recipe.batch_size * parts > images:
        raise InputError(
            f"a batch of {recipe.batch_size}{f' x {parts}' if parts > 1 else ''} is larger than "
            f"the data, {images} training images: take --batch-size {max(2, images // parts)} "
            "or less"
        )
    if "batch_size" in config.recipe_options() or config.recipe not in recipe_names():
        return recipe.batch_size
    return min(recipe.batch_size, max(2, batch_for(images, recipe.batch_size * parts) // parts))


def _doubts(config: TrainConfig, source: ImageSource, architecture: Architecture) -> list[str]:
    """What a user might regret."""
    said = []
    if (
        architecture.stem.stride > 1
        and architecture.resolution <= SMALL
        and (config.stem_stride is None)
    ):
        said.append(
            f"the stem halves the {architecture.resolution} px at once: --stem-stride 1 keeps "
            "them, at four times the multiply-adds"
        )
    if not len(source.labels["validation"]):
        said.append("nothing is held out: the last epoch's model is kept as the best")
    return said


def _recorded(record: Mapping[str, Any]) -> tuple[Architecture, Recipe, Statistics]:
    try:
        architecture = Architecture.from_dict(record["architecture"])
        options = {key: value for key, value in record["recipe"].items() if key != "name"}
        levels = record["statistics"]
        mean, std = ([float(level) for level in levels[name]] for name in ("mean", "std"))
        return architecture, Recipe(**options), (mean, std)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise InputError(
            "the record of this run (run.json) lacks its architecture, recipe or statistics, or is "
            "of another version: start a new run"
        ) from None

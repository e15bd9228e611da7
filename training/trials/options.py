"""Options of short trainings: on what, and where. A search, a grid and a comparison share them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from effsearch.results.config import MACHINE, NAMES, SECONDS, Option, Settings
from effsearch.training.data.given import DATA
from effsearch.training.data.named_columns import Columns
from effsearch.training.data.options import ImageColumn, LabelColumn, MaxImages, SkipBad

_TRAINING = "Training of each network"

Pruning = Annotated[
    Literal["none", "halving"],
    Option("Early stopping of trainings that fall behind, by successive halving.", _TRAINING),
]
RayAddress = Annotated[
    str | None,
    Option(
        "Address of a Ray cluster, such as auto or host:6379.",
        MACHINE,
        "this machine",
        may_change=True,
    ),
]
Seed = Annotated[int, Option("Random seed.", at_least=0)]


@dataclass(frozen=True, kw_only=True)
class ProxyOptions(Settings):
    """How each network is trained, briefly."""

    data: Annotated[
        str,
        Option(
            "Images: digits (embedded), a folder with one subfolder of images per class, a folder "
            "with train*.parquet, or hf:NAME[:CONFIG]. Their test part is never read.",
            _TRAINING,
            names=lambda: ("digits",),
            is_path=True,
            objects=DATA,
        ),
    ] = "digits"
    max_images: MaxImages = None
    skip_bad: SkipBad = False
    image_column: ImageColumn = None
    label_column: LabelColumn = None
    epochs: Annotated[int | None, Option("Epochs per training.", _TRAINING, "the recipe's")] = None
    proxy_resolution: Annotated[
        int | None, Option("Pixels in training.", _TRAINING, "the recipe's")
    ] = None
    recipe: Annotated[
        dict[str, Any], Option("Further options of the recipe.", _TRAINING, on_line=False)
    ] = field(default_factory=dict)

    @property
    def columns(self) -> Columns:
        """Those of a table of images that were named."""
        return Columns(image=self.image_column, label=self.label_column)

    def recipe_options(self) -> dict[str, Any]:
        """Options of the recipe, the named ones over the others."""
        from effsearch.training.recipes.recipe import by_own_names  # imports yaml

        named = {"epochs": self.epochs, "resolution": self.proxy_resolution}
        return by_own_names(self.recipe) | {
            name: value for name, value in named.items() if value is not None
        }


def resolved_training(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a training with nothing left to defaults, which may change.

    Args:
        recipe: whole, as a run's record has it.
    """
    others = {key: value for key, value in recipe.items() if key not in ("epochs", "resolution")}
    return {
        "epochs": recipe["epochs"],
        "proxy_resolution": recipe["resolution"],
        "recipe": others,
    }


def go_on_as_begun(
    record: Mapping[str, Any], changes: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options that a run began with, what was the default then filled in; and the changes.

    Args:
        record: of the run.
        changes: keys that a resumption is given anew; its recipe goes over that of the run, as a
            file of options need not name all of it.
    """
    from effsearch.training.recipes.recipe import by_own_names  # imports yaml

    config, recipe = dict(record["config"]), record.get("recipe")
    if isinstance(recipe, Mapping) and "epochs" in config:
        config |= resolved_training(recipe)
    given = dict(changes)
    if isinstance(given.get("recipe"), Mapping):
        given["recipe"] = config["recipe"] | by_own_names(given["recipe"])
    for key in ("epochs", "proxy_resolution"):  # left open in a file: as the run has it
        if key in given and given[key] is None:
            del given[key]
    return config, given


@dataclass(frozen=True, kw_only=True)
class BudgetOptions(Settings):
    """How long all may take; nothing of what is measured hangs on it."""

    time_budget: Annotated[
        float | None,
        Option(
            "Time limit of the whole run, such as 10m or 4h, longer trainings and references "
            "included; no training starts after it.",
            MACHINE,
            "none",
            SECONDS,
            may_change=True,
        ),
    ] = None
    gpu_hours: Annotated[
        float | None,
        Option(
            "The same limit in GPU hours: wall-clock time times the GPUs of the trainings.",
            MACHINE,
            "none",
            at_least=0,
            example="8",
            may_change=True,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ClusterOptions(Settings):
    """Where trainings run, and how many at a time; what they find does not hang on it."""

    workers: Annotated[
        int | None,
        Option("Trainings at a time.", MACHINE, "one per CPU core or GPU share", may_change=True),
    ] = None
    cpus_per_trial: Annotated[
        int, Option("CPU threads of a training.", MACHINE, may_change=True)
    ] = 1
    gpus_per_trial: Annotated[
        float | Literal["auto"] | None,
        Option(
            "GPUs of a training, such as 0.25; auto: the share that gives the most trainings an "
            "hour, tried before the first.",
            MACHINE,
            "an even share of what there is",
            at_least=0,
            example="0.25",
            may_change=True,
        ),
    ] = None
    trial_timeout: Annotated[
        float | None,
        Option("Time limit of a training, such as 90s.", MACHINE, "none", SECONDS, may_change=True),
    ] = None
    # Which of several GPUs a trial gets is Ray's to say.
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        Option("Device of the trainings.", MACHINE, may_change=True),
    ] = "auto"
    ray_address: RayAddress = None
    logger: Annotated[
        tuple[str, ...],
        Option(
            "tensorboard, wandb, mlflow or csv, besides the run's own files; may be repeated.",
            form=NAMES,
            may_change=True,
            names=lambda: ("tensorboard", "wandb", "mlflow", "csv"),
        ),
    ] = ()

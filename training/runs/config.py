"""The configuration of `effsearch train`: one frozen dataclass, from a file and then flags."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from effsearch.results.config import MACHINE, NAMES, Form, Option, Settings
from effsearch.results.networks import NETWORK
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.training.data.given import DATA
from effsearch.training.data.named_columns import Columns
from effsearch.training.data.options import ImageColumn, LabelColumn, MaxImages, SkipBad
from effsearch.training.trials.options import RayAddress

_DATA, _RECIPE, _FILES = "Data", "Recipe", "Checkpoints and logs"
_LEVELS = "three numbers of at most 1, such as 0.485,0.456,0.406"


def _networks() -> list[str]:
    from effsearch.search_spaces.zoo import zoo_names  # reads their file

    return zoo_names()


def _recipes() -> tuple[str, ...]:
    from effsearch.training.recipes import recipe_names

    return recipe_names()


def _assignments(name: str, value: Any) -> Any:
    """A mapping, or `key=value` as given to `--set`, with the numbers that texts spell."""
    if isinstance(value, list | tuple):
        value = dict(map(_assignment, value))
    if not isinstance(value, dict):
        return value  # the check of the type says what is wrong
    return {key: parse_value(item) for key, item in value.items()}


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InputError(f"--set '{text}' is not an assignment: give key=value, such as lr=0.1")
    return key.strip(), value.strip()


def _channels(lowest: float) -> Callable[[str, Any], tuple[float, ...]]:
    def read(name: str, value: Any) -> tuple[float, ...]:
        given = value.split(",") if isinstance(value, str) else value
        levels = [parse_value(level) for level in given] if isinstance(given, list | tuple) else []
        numbers = all(isinstance(level, int | float) for level in levels)
        if len(levels) != 3 or not numbers or not all(lowest <= level <= 1 for level in levels):
            raise InputError(f"{name} must be {_LEVELS}, not {value!r}")
        return tuple(float(level) for level in levels)

    return read


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Settings):
    """What a training is told; `effsearch train --help` says what each option is."""

    MAIN = ("model", "phi", "data", "recipe", "epochs")

    model: Annotated[
        str | None,
        Option(
            "Zoo name, JSON file, notation, or a baseline, family or train run.",
            "Network",
            "with --phi the newest family, else the newest finished baseline, else efficientnet-b0",
            metavar="NETWORK",
            names=_networks,
            objects=NETWORK,
        ),
    ] = None
    phi: Annotated[
        float | None,
        Option(
            "Member of the family; where there is none, the baseline is scaled by the newest "
            "coefficients.",
            "Network",
        ),
    ] = None
    resolution: Annotated[
        int | None,
        Option("Pixels.", "Network", "the network's own; less where the images are smaller"),
    ] = None
    stem_stride: Annotated[
        int | None,
        Option(
            "Stride of the first convolution; 1 suits small images.", "Network", "the network's"
        ),
    ] = None
    from_checkpoint: Annotated[
        str | None,
        Option(
            "Weights to start from, a file or the best of a train run; the classifier is new where "
            "the classes differ.",
            "Network",
            "random weights",
            flags=("--from",),
            metavar="CHECKPOINT",
            is_path=True,
        ),
    ] = None
    data: Annotated[
        str,
        Option(
            "digits (embedded), a folder of images by class or with train*.parquet, or "
            "hf:NAME[:CONFIG].",
            _DATA,
            names=lambda: ("digits",),
            is_path=True,
            objects=DATA,
        ),
    ] = "digits"
    max_images: MaxImages = None
    skip_bad: SkipBad = False
    image_column: ImageColumn = None
    label_column: LabelColumn = None
    mean: Annotated[
        tuple[float, ...] | None,
        Option(
            "Mean of the channels, such as 0.485,0.456,0.406.",
            _DATA,
            "measured",
            Form("R,G,B", _channels(0.0)),
        ),
    ] = None
    std: Annotated[
        tuple[float, ...] | None,
        Option(
            "Deviation of the channels; goes with --mean.",
            _DATA,
            "measured",
            Form("R,G,B", _channels(1e-3)),
        ),
    ] = None
    recipe: Annotated[
        str,
        Option(
            "modern, efficientnet, progressive, finetune, proxy, or a YAML file.",
            _RECIPE,
            names=_recipes,
            is_path=True,
        ),
    ] = "modern"
    set: Annotated[
        dict[str, Any],
        Option(
            "Option of the recipe, such as lr=0.01 (also learning_rate=0.01); may be repeated.",
            _RECIPE,
            form=Form("KEY=VALUE", _assignments, repeats=True),
            merges=True,
        ),
    ] = field(default_factory=dict)
    epochs: Annotated[int | None, Option("Epochs of the training.", _RECIPE, "the recipe's")] = None
    batch_size: Annotated[
        int | Literal["auto"] | None,
        Option(
            "Images a step, or auto: what fits the memory.",
            _RECIPE,
            "the recipe's",
            at_least=2,
        ),
    ] = None
    seed: Annotated[int, Option("Random seed.", _RECIPE, at_least=0)] = 0
    device: Annotated[
        str,
        Option(
            "auto, cpu, cuda, cuda:1.",
            MACHINE,
            may_change=True,
            names=lambda: ("auto", "cpu", "cuda"),
        ),
    ] = "auto"
    num_workers: Annotated[
        int, Option("Processes that train together by Ray Train; 1 needs no Ray.", MACHINE)
    ] = 1
    ray_address: RayAddress = None
    gpus_per_worker: Annotated[
        float | None,
        Option("GPUs of a worker.", MACHINE, "1 where there are GPUs", at_least=0, may_change=True),
    ] = None
    loader_workers: Annotated[
        int | None,
        Option(
            "Processes that decode images which do not fit in memory.",
            MACHINE,
            "what the machine has",
            at_least=0,
            may_change=True,
        ),
    ] = None
    logger: Annotated[
        tuple[str, ...],
        Option(
            "tensorboard, wandb, mlflow or csv, besides metrics.csv; may be repeated.",
            _FILES,
            form=NAMES,
            may_change=True,
            names=lambda: ("tensorboard", "wandb", "mlflow", "csv"),
        ),
    ] = ()
    checkpoint_minutes: Annotated[
        float,
        Option(
            "Minutes between checkpoints within an epoch; there is one after each epoch anyway.",
            _FILES,
            at_least=0,
            may_change=True,
        ),
    ] = 10.0

    def check(self) -> None:
        """Raise an InputError where options do not go together."""
        if self.distributed and self.device not in ("auto", "cpu", "cuda"):
            # Which of several GPUs a worker gets is Ray's to say.
            raise unknown_name("device of workers", self.device, ("auto", "cpu", "cuda"))
        if (self.mean is None) != (self.std is None):
            raise InputError("mean and std belong together: give both, or neither to measure them")

    @property
    def levels(self) -> tuple[list[float], list[float]] | None:
        """Mean and deviation in grey levels, in [0, 255]; None where they are to be measured."""
        if self.mean is None or self.std is None:
            return None
        return [255 * level for level in self.mean], [255 * level for level in self.std]

    @property
    def distributed(self) -> bool:
        """Whether Ray's workers train."""
        return self.num_workers > 1 or self.ray_address is not None

    def with_absolute_data(self) -> "TrainConfig":
        """The same, its data to be found from another working folder."""
        folder = Path(self.data).expanduser()
        return replace(self, data=str(folder.resolve())) if folder.is_dir() else self

    @property
    def columns(self) -> Columns:
        """Those of a table of images that were named."""
        return Columns(image=self.image_column, label=self.label_column)

    def recipe_options(self) -> dict[str, Any]:
        """Options of the recipe, the named ones over the others."""
        from effsearch.training.recipes.recipe import by_own_names  # imports yaml

        named = {
            "epochs": self.epochs,
            "batch_size": None if self.batch_size == "auto" else self.batch_size,
        }
        return by_own_names(self.set) | {
            name: value for name, value in named.items() if value is not None
        }


make_config = TrainConfig.make


def parse_value(value: Any) -> Any:
    """Text as the number, truth or nothing it spells; anything else as it is.

    YAML itself takes `1e-3` for text, so values of files pass here too.
    """
    if not isinstance(value, str):
        return value
    words: dict[str, Any] = {"true": True, "false": False, "null": None}
    if value.lower() in words:
        return words[value.lower()]
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return value

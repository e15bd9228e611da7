"""The configuration of `effsearch train`: one frozen dataclass, from a file and then flags."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from effsearch.results.config import changed_keys as _changed_keys
from effsearch.results.config import (
    check_mapping,
    check_real,
    check_text,
    check_whole,
    merge_settings,
    read_config,
)
from effsearch.search_spaces.errors import InputError, unknown_name

__all__ = [
    "MAY_CHANGE",
    "TrainConfig",
    "changed_keys",
    "make_config",
    "parse_assignments",
    "read_config",
]

MAY_CHANGE = frozenset(
    {
        "checkpoint_minutes",
        "device",
        "gpus_per_worker",
        "loader_workers",
        "logger",
        "ray_address",
    }
)
"""Keys that a resumed training may be given anew; all others decide its weights."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """What a training is told.

    Attributes:
        model: name of the zoo, JSON file, notation, or a baseline, family or train run; None for
            the checkpoint's network, the member of the newest family where there is a `phi`, else
            the newest finished baseline (EfficientNet-B0 where there is none).
        phi: member of a family; where there is no family, the baseline is scaled by the newest
            coefficients.
        data: `digits`, a directory of images, or `hf:NAME[:CONFIG]`.
        recipe: shipped recipe or YAML file.
        set: options of the recipe by name, over the recipe's.
        epochs: None for the recipe's.
        batch_size: images a step; None for the recipe's, `auto` for what fits the memory.
        resolution: pixels; None for the network's, less where the images are smaller.
        stem_stride: stride of the first convolution; None for the network's.
        from_checkpoint: checkpoint or train run whose weights are taken, the head only where the
            classes are as many; None starts from random weights.
        max_images: sample of the training images; None for all.
        skip_bad: leave unreadable images out and count them.
        mean, std: of the channels red, green and blue, in [0, 1], that images are normalised by;
            None measures them over the training images. Both or neither.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        num_workers: processes that train together, each on its share of a batch.
        ray_address: of a Ray cluster; None for this machine.
        gpus_per_worker: None for one where there are GPUs.
        loader_workers: processes that decode images which do not fit in memory; None for what
            the machine has.
        logger: `tensorboard`, `wandb`, `mlflow`.
        checkpoint_minutes: between checkpoints within an epoch; there is one after each anyway.
        seed: of everything random.
    """

    model: str | None = None
    phi: float | None = None
    data: str = "digits"
    recipe: str = "modern"
    set: dict[str, Any] = field(default_factory=dict)
    epochs: int | None = None
    batch_size: int | str | None = None
    resolution: int | None = None
    stem_stride: int | None = None
    from_checkpoint: str | None = None
    max_images: int | None = None
    skip_bad: bool = False
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    device: str = "auto"
    num_workers: int = 1
    ray_address: str | None = None
    gpus_per_worker: float | None = None
    loader_workers: int | None = None
    logger: tuple[str, ...] = ()
    checkpoint_minutes: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("data", "recipe", "device"):
            check_text(name, getattr(self, name))
        for name in ("model", "from_checkpoint", "ray_address"):
            if getattr(self, name) is not None:
                check_text(name, getattr(self, name))
        for name in ("epochs", "resolution", "stem_stride", "max_images"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1)
        if self.phi is not None:
            check_real("phi", self.phi)
        self._check_batch_size()
        check_whole("num_workers", self.num_workers, 1)
        if self.distributed and self.device not in ("auto", "cpu", "cuda"):
            # Which of several GPUs a worker gets is Ray's to say.
            raise unknown_name("device of workers", self.device, ("auto", "cpu", "cuda"))
        check_whole("seed", self.seed, 0)
        if self.loader_workers is not None:
            check_whole("loader_workers", self.loader_workers, 0)
        if self.gpus_per_worker is not None:
            _check_at_least_zero("gpus_per_worker", self.gpus_per_worker)
        _check_at_least_zero("checkpoint_minutes", self.checkpoint_minutes)
        if not isinstance(self.skip_bad, bool):
            raise InputError(f"skip_bad must be true or false, not {self.skip_bad!r}")
        self._check_levels()
        check_mapping("set", self.set)
        object.__setattr__(self, "logger", _names(self.logger))
        object.__setattr__(
            self, "set", {key: parse_value(value) for key, value in self.set.items()}
        )

    def _check_batch_size(self) -> None:
        if self.batch_size is None or self.batch_size == "auto":
            return
        if isinstance(self.batch_size, str):
            raise InputError(
                f"batch_size must be 'auto' or a whole number of at least 2, not "
                f"{self.batch_size!r}"
            )
        check_whole("batch_size", self.batch_size, 2)

    def _check_levels(self) -> None:
        if (self.mean is None) != (self.std is None):
            raise InputError("mean and std belong together: give both, or neither to measure them")
        for name, lowest in (("mean", 0.0), ("std", 1e-3)):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _channels(name, getattr(self, name), lowest))

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

    def recipe_options(self) -> dict[str, Any]:
        """Options of the recipe, the named ones over the others."""
        named = {
            "epochs": self.epochs,
            "batch_size": None if self.batch_size == "auto" else self.batch_size,
        }
        return self.set | {name: value for name, value in named.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `read_config` takes back."""
        listed = ("logger", "mean", "std")
        return asdict(self) | {
            name: None if value is None else list(value)
            for name in listed
            for value in (getattr(self, name),)
        }


def make_config(*sources: Mapping[str, Any]) -> TrainConfig:
    """A configuration from mappings, later ones over earlier ones; `set` is merged key by key.

    Raises:
        InputError: an unknown key (the nearest known one is named) or a value out of range.
    """
    options: dict[str, Any] = {}
    for source in sources:
        check_mapping("set", source.get("set", {}))
        options |= source.get("set", {})
    return merge_settings(TrainConfig, TrainConfig, (*sources, {"set": options}), {})


def changed_keys(before: Mapping[str, Any], now: TrainConfig) -> list[str]:
    """Keys in which a resumption differs from its run although it must not."""
    return _changed_keys(before, now.to_dict(), MAY_CHANGE)


def parse_assignments(texts: tuple[str, ...]) -> dict[str, Any]:
    """`key=value` as given to `--set`, as a mapping.

    Raises:
        InputError: one is no assignment.
    """
    options: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--set '{text}' is no assignment: give key=value, such as lr=0.1")
        options[key.strip()] = parse_value(value.strip())
    return options


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


def _names(value: object) -> tuple[str, ...]:
    """One name or several; `None` and an empty list are none."""
    if value is None:
        return ()
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InputError(f"logger must be a name or a list of names, not {value!r}")
    return tuple(dict.fromkeys(names))


def _channels(name: str, value: object, lowest: float) -> tuple[float, ...]:
    """Three numbers, or `0.485,0.456,0.406`, as they were given."""
    given = value.split(",") if isinstance(value, str) else value
    levels = [parse_value(level) for level in given] if isinstance(given, list | tuple) else []
    numbers = all(isinstance(level, int | float) for level in levels)
    if len(levels) != 3 or not numbers or not all(lowest <= level <= 1 for level in levels):
        raise InputError(
            f"{name} must be three numbers of at most 1, such as 0.485,0.456,0.406, not {value!r}"
        )
    return tuple(float(level) for level in levels)


def _check_at_least_zero(name: str, value: object) -> None:
    check_real(name, value)
    if value < 0:  # type: ignore[operator]
        raise InputError(f"{name} must be 0 or more, not {value!r}")

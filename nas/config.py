"""The configuration of `effsearch baseline`: one frozen dataclass, from a file and then flags."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

import yaml

from nas.objective import FLOOR, Objective, ObjectiveKind, Target, banded_target
from search_spaces.amounts import parse_bytes, parse_count, parse_seconds
from search_spaces.errors import InputError, unknown_name

MAY_CHANGE = frozenset(
    {
        "samples",
        "time_budget",
        "workers",
        "cpus_per_trial",
        "gpus_per_trial",
        "trial_timeout",
        "per_trial",
        "device",
        "ray_address",
    }
)
"""Keys that a resumed search may be given anew; all others decide what is searched."""

_AMOUNTS = {
    "target_flops": parse_count,
    "target_params": parse_count,
    "target_memory": parse_bytes,
    "time_budget": parse_seconds,
    "trial_timeout": parse_seconds,
}


@dataclass(frozen=True, kw_only=True)
class BaselineConfig:
    """What a baseline search is told.

    Attributes:
        target_flops: wanted multiply-adds of convolutions and linear layers.
        target_params: wanted parameters.
        target_memory: wanted peak activation memory of one image in float32, bytes.
        objective: `hard`, `soft` or `absolute`, for all targets.
        weight: w (β) of the objective, at most 0; None for its default.
        cost_tolerance: fraction over a target that is still evaluated; None is 0, and no bound
            with `soft`.
        cost_band: fraction under the first target that is still evaluated, 1 for no bound; None
            is 0.1, and no bound with `soft` or the strategy `nsga2`, which wants a front.
        space: shipped space or YAML file.
        strategy: see `effsearch baseline --help`.
        strategy_options: of the strategy.
        evaluator: `proxy`, `TABLE.csv`, `package.module:function` or `file.py:function`.
        data: `digits` or a directory of images.
        max_images: sample of the training images; None for all.
        epochs: of proxy training; None for the recipe's.
        proxy_resolution: pixels in proxy training; None for the recipe's.
        recipe: further options of proxy training.
        samples: networks to evaluate, failed ones included.
        batch_size: networks asked together; None for the strategy's own. Part of what is
            searched: results are told batch by batch, whatever the number of workers.
        time_budget: seconds after which no further network is started; None for no limit.
        seed: of everything random.
        workers: trials at a time; None for what the machine or cluster has.
        cpus_per_trial: CPU threads of a trial.
        gpus_per_trial: fractions allowed; None for a share of the GPUs there are in proxy
            training, and none else.
        trial_timeout: seconds one network may take; None for no limit.
        per_trial: networks in one Ray Tune trial; None for one, or for an even share of a batch
            where an evaluation is cheap.
        device: of proxy training: `auto`, `cpu`, `cuda`.
        ray_address: of a Ray cluster; None for this machine.
    """

    target_flops: float | None = None
    target_params: float | None = None
    target_memory: float | None = None
    objective: ObjectiveKind = "hard"
    weight: float | None = None
    cost_tolerance: float | None = None
    cost_band: float | None = None
    space: str = "mnasnet"
    strategy: str = "evolution"
    strategy_options: dict[str, Any] = field(default_factory=dict)
    evaluator: str = "proxy"
    data: str = "digits"
    max_images: int | None = None
    epochs: int | None = None
    proxy_resolution: int | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    samples: int = 100
    batch_size: int | None = None
    time_budget: float | None = None
    seed: int = 0
    workers: int | None = None
    cpus_per_trial: int = 1
    gpus_per_trial: float | None = None
    trial_timeout: float | None = None
    per_trial: int | None = None
    device: str = "auto"
    ray_address: str | None = None

    def __post_init__(self) -> None:
        if self.objective not in get_args(ObjectiveKind):
            raise unknown_name("objective", self.objective, get_args(ObjectiveKind))
        for name in ("samples", "cpus_per_trial"):
            _whole(name, getattr(self, name), 1)
        _whole("seed", self.seed, 0)
        for name in ("batch_size", "workers", "per_trial", "epochs", "proxy_resolution"):
            if getattr(self, name) is not None:
                _whole(name, getattr(self, name), 1)
        gpus = self.gpus_per_trial
        if gpus is not None and not 0 <= gpus < float("inf"):
            raise InputError(f"gpus_per_trial must be 0 or more, such as 0.25, not {gpus!r}")

    @property
    def targets(self) -> dict[str, float]:
        """Wanted costs by metric, the first one first."""
        named = {
            "macs": self.target_flops,
            "params": self.target_params,
            "memory_bytes": self.target_memory,
        }
        return {metric: value for metric, value in named.items() if value is not None}

    def make_objective(self) -> Objective:
        """The objective with its cost bands."""
        floor = self.cost_band
        if floor is None and self.objective != "soft" and self.strategy != "nsga2":
            floor = FLOOR
        made: list[Target] = []
        for metric, limit in self.targets.items():
            made.append(
                banded_target(
                    metric,
                    limit,
                    self.objective,
                    weight=self.weight,
                    tolerance=self.cost_tolerance,
                    floor=None if made else floor,
                )
            )
        return Objective(tuple(made))

    def recipe_options(self) -> dict[str, Any]:
        """Options of proxy training, the named ones over the others."""
        named = {"epochs": self.epochs, "resolution": self.proxy_resolution}
        return self.recipe | {name: value for name, value in named.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `read_config` takes back."""
        return asdict(self)


def read_config(path: Path) -> dict[str, Any]:
    """The values of a YAML file of the configuration's keys.

    Raises:
        InputError: no such file, not YAML, no mapping, or an unknown key.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"config '{path}' cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = "" if line is None else f", line {line + 1}"
        raise InputError(f"config '{path}' is not valid YAML{place}") from None
    if not isinstance(document, dict):
        raise InputError(f"config '{path}' must be a mapping of option names to values")
    return document


def make_config(*sources: Mapping[str, Any]) -> BaselineConfig:
    """A configuration from mappings, later ones over earlier ones.

    Raises:
        InputError: an unknown key (the nearest known one is named) or a value out of range.
    """
    known = {item.name: item for item in fields(BaselineConfig)}
    values: dict[str, Any] = {}
    for source in sources:
        for key, value in source.items():
            if key not in known:
                raise unknown_name("config key", key, known)
            values[key] = value
    for key, parse in _AMOUNTS.items():
        if values.get(key) is not None:
            values[key] = _amount(key, values[key], parse)
    for key in ("strategy_options", "recipe"):
        if not isinstance(values.get(key, {}), Mapping):
            raise InputError(f"config key '{key}' must be a mapping, not {values[key]!r}")
    return BaselineConfig(**values)


def changed_keys(before: Mapping[str, Any], now: BaselineConfig) -> list[str]:
    """Keys in which a resumption differs from its run although it must not."""
    return [
        key
        for key, value in now.to_dict().items()
        if key not in MAY_CHANGE and before.get(key) != value
    ]


def _amount(key: str, value: Any, parse: Any) -> float:
    # A number in a file is in the key's own unit already; text carries its unit.
    text = f"{value!r}s" if parse is parse_seconds and isinstance(value, int | float) else value
    text = f"{value!r}B" if parse is parse_bytes and isinstance(value, int | float) else text
    try:
        return float(parse(text))
    except InputError as error:
        raise InputError(f"{key}: {error}") from None


def _whole(name: str, value: object, lowest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
        raise InputError(f"{name} must be a whole number of at least {lowest}, not {value!r}")

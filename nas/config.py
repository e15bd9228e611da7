"""The configuration of `effsearch baseline`: one frozen dataclass, from a file and then flags."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from nas.objective import FLOOR, Objective, ObjectiveKind, Target, banded_target
from results.settings import changed_keys as _changed_keys
from results.settings import (
    check_gpus,
    check_mapping,
    check_real,
    check_text,
    check_whole,
    merge_settings,
    read_config,
)
from search_spaces.amounts import parse_bytes, parse_count, parse_seconds
from search_spaces.errors import unknown_name

__all__ = ["MAY_CHANGE", "BaselineConfig", "changed_keys", "make_config", "read_config"]

MAY_CHANGE = frozenset(
    {
        "samples",
        "finalists",
        "finalist_seeds",
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

DEVICES = ("auto", "cpu", "cuda")

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
        finalists: how many of the best are trained again before the answer; 0 for none.
        finalist_seeds: trainings of each finalist; two or more give intervals.
        finalist_epochs: of their proxy training; None for three times the search's.
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
    strategy: str = "bayesian"
    strategy_options: dict[str, Any] = field(default_factory=dict)
    evaluator: str = "proxy"
    data: str = "digits"
    max_images: int | None = None
    epochs: int | None = None
    proxy_resolution: int | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    samples: int = 100
    batch_size: int | None = None
    finalists: int = 0
    finalist_seeds: int = 3
    finalist_epochs: int | None = None
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
        for name in ("objective", "space", "strategy", "evaluator", "data", "device"):
            check_text(name, getattr(self, name))
        if self.ray_address is not None:
            check_text("ray_address", self.ray_address)
        if self.objective not in get_args(ObjectiveKind):
            raise unknown_name("objective", self.objective, get_args(ObjectiveKind))
        if self.device not in DEVICES:
            # Which of several GPUs a trial gets is Ray's to say.
            raise unknown_name("device", self.device, DEVICES)
        for name in ("samples", "cpus_per_trial", "finalist_seeds"):
            check_whole(name, getattr(self, name), 1)
        check_whole("seed", self.seed, 0)
        check_whole("finalists", self.finalists, 0)
        for name in (
            "batch_size",
            "workers",
            "per_trial",
            "epochs",
            "proxy_resolution",
            "finalist_epochs",
            "max_images",
        ):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1)
        for name in ("weight", "cost_tolerance", "cost_band"):
            if getattr(self, name) is not None:
                check_real(name, getattr(self, name))
        check_gpus(self.gpus_per_trial)
        check_mapping("strategy_options", self.strategy_options)
        check_mapping("recipe", self.recipe)

    @property
    def targets(self) -> dict[str, float]:
        """Wanted costs by metric, the first one first."""
        named = {
            "macs": self.target_flops,
            "params": self.target_params,
            "memory_bytes": self.target_memory,
        }
        # Whole counts are written without a fraction wherever they are shown.
        return {
            metric: int(value) if float(value).is_integer() else value
            for metric, value in named.items()
            if value is not None
        }

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


def make_config(*sources: Mapping[str, Any]) -> BaselineConfig:
    """A configuration from mappings, later ones over earlier ones.

    Raises:
        InputError: an unknown key (the nearest known one is named) or a value out of range.
    """
    return merge_settings(BaselineConfig, BaselineConfig, sources, _AMOUNTS)


def changed_keys(before: Mapping[str, Any], now: BaselineConfig) -> list[str]:
    """Keys in which a resumption differs from its run although it must not."""
    return _changed_keys(before, now.to_dict(), MAY_CHANGE)

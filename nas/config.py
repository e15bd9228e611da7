"""The configuration of `effsearch baseline`: one frozen dataclass, from a file and then flags."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from effsearch.nas.cost_model import LATENCY, TOTAL_MEMORY
from effsearch.nas.evaluators.coverage import TableMissing
from effsearch.nas.objective import FLOOR, Objective, ObjectiveKind, Target, banded_target
from effsearch.nas.pruning import PruningKind
from effsearch.nas.strategies.registry import wants_front
from effsearch.results.config import changed_keys as _changed_keys
from effsearch.results.config import (
    check_gpus,
    check_mapping,
    check_real,
    check_text,
    check_whole,
    merge_settings,
    read_config,
)
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.units import (
    parse_bytes,
    parse_count,
    parse_milliseconds,
    parse_seconds,
)

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
        "latency_timeout",
        "per_trial",
        "device",
        "ray_address",
    }
)
"""Keys that a resumed search may be given anew; all others decide what is searched."""

DEVICES = ("auto", "cpu", "cuda")

LatencyMeasure = Literal["winner", "each"]

_TEXTS = ("objective", "space", "strategy", "evaluator", "data", "device", "latency_device")
_TEXTS_OR_NONE = ("ray_address", "latency_table", "latency_command", "latency_backend")

_AMOUNTS = {
    "target_flops": parse_count,
    "target_params": parse_count,
    "target_memory": parse_bytes,
    "target_latency": parse_milliseconds,
    "latency_timeout": parse_seconds,
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
        memory_batch: images at a time that `target_memory` is meant for, and then with the
            weights; None for one image's activations alone.
        target_latency: wanted milliseconds, as `latency_table` predicts them.
        latency_table: CSV of `effsearch lut build`; None for the one in `lut/` that it writes for
            this space and device.
        latency_command: measures winners in place of backend and device: it runs `{onnx}` and
            prints milliseconds.
        latency_measure: `winner`: the best network is measured before it is reported. `each`: every
            network is, before it is trained, and the reward goes by that; one that cannot be is a
            failed trial.
        latency_timeout: seconds that one call of the command may take.
        latency_device: `cpu`, `cuda` or `cuda:1`, on which winners are measured: the CPU of the
            machine that drives the search, or the GPU of a node of the Ray cluster.
        latency_backend, latency_threads, latency_batch: None for what the table was measured with.
        objective: `hard`, `soft` or `absolute`, for all targets.
        weight: w (β) of the objective, at most 0; None for its default, `auto` for what an earlier
            soft search worked out (`effsearch.nas.auto_weight`).
        cost_tolerance: fraction over a target that is still evaluated; None is 0, and no bound
            with `soft`.
        cost_band: fraction under the first target that is still evaluated, 1 for no bound; None
            is 0.1, and no bound with `soft` or a strategy that wants a front, such as `nsga2`.
        space: shipped space or YAML file.
        strategy: see `effsearch baseline --help`.
        strategy_options: of the strategy.
        evaluator: `proxy`, `TABLE.csv`, `package.module:function` or `file.py:function`.
        table_missing: what becomes of networks that a table lacks: `fail`, or `nearest` for the
            values of the nearest one.
        data: `digits` or a directory of images.
        max_images: sample of the training images; None for all.
        epochs: of proxy training; None for the recipe's.
        proxy_resolution: pixels in proxy training; None for the recipe's.
        recipe: further options of proxy training.
        pruning: `halving` gives trainings up that fall behind (`effsearch.nas.pruning`).
        samples: networks to evaluate, failed ones included.
        batch_size: networks asked together; None for the strategy's own. Part of what is
            searched: results are told batch by batch, whatever the number of workers.
        finalists: how many of the best are trained again before the answer; 0 for none. Where the
            strategy wants a front any other number stands for the whole of it.
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
    memory_batch: int | None = None
    target_latency: float | None = None
    latency_table: str | None = None
    latency_command: str | None = None
    latency_measure: LatencyMeasure = "winner"
    latency_timeout: float = 300.0
    latency_device: str = "cpu"
    latency_backend: str | None = None
    latency_threads: int | None = None
    latency_batch: int | None = None
    objective: ObjectiveKind = "hard"
    weight: float | Literal["auto"] | None = None
    cost_tolerance: float | None = None
    cost_band: float | None = None
    space: str = "mnasnet"
    strategy: str = "bayesian"
    strategy_options: dict[str, Any] = field(default_factory=dict)
    evaluator: str = "proxy"
    table_missing: TableMissing = "fail"
    data: str = "digits"
    max_images: int | None = None
    epochs: int | None = None
    proxy_resolution: int | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    pruning: PruningKind = "none"
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
        if callable(self.evaluator):
            raise InputError("evaluator must be text, not a function: name it as file.py:function")
        for name in _TEXTS:
            check_text(name, getattr(self, name))
        for name in _TEXTS_OR_NONE:
            if getattr(self, name) is not None:
                check_text(name, getattr(self, name))
        if self.objective not in get_args(ObjectiveKind):
            raise unknown_name("objective", self.objective, get_args(ObjectiveKind))
        if self.table_missing not in get_args(TableMissing):
            raise unknown_name("table_missing", self.table_missing, get_args(TableMissing))
        if self.latency_measure not in get_args(LatencyMeasure):
            raise unknown_name("latency_measure", self.latency_measure, get_args(LatencyMeasure))
        if self.pruning not in get_args(PruningKind):
            raise unknown_name("pruning", self.pruning, get_args(PruningKind))
        if self.pruning != "none" and self.evaluator != "proxy":
            raise InputError(
                "pruning needs the evaluator proxy: others have no epochs to stop after"
            )
        if self.pruning != "none" and wants_front(self.strategy):
            raise InputError(
                f"pruning goes by one reward, and {self.strategy} wants a front: leave one of "
                "them out"
            )
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
            "latency_threads",
            "latency_batch",
            "memory_batch",
        ):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1)
        for name in ("weight", "cost_tolerance", "cost_band"):
            if getattr(self, name) not in (None, "auto"):
                check_real(name, getattr(self, name))
        if self.weight == "auto" and (self.objective != "soft" or len(self.targets) != 1):
            raise InputError("weight auto belongs to a soft objective with one target")
        check_gpus(self.gpus_per_trial)
        check_mapping("strategy_options", self.strategy_options)
        check_mapping("recipe", self.recipe)

    @property
    def targets(self) -> dict[str, float]:
        """Wanted costs by metric, the first one first."""
        named = {
            "macs": self.target_flops,
            "params": self.target_params,
            "memory_bytes" if self.memory_batch is None else TOTAL_MEMORY: self.target_memory,
            LATENCY: self.target_latency,
        }
        # Whole counts are written without a fraction wherever they are shown.
        return {
            metric: int(value) if float(value).is_integer() else value
            for metric, value in named.items()
            if value is not None
        }

    @property
    def front_cost(self) -> str:
        """The cost that a front sets against accuracy: the first target's, else multiply-adds."""
        return next(iter(self.targets), "macs")

    def make_objective(self) -> Objective:
        """The objective with its cost bands; the weight has to be a number by now."""
        assert self.weight != "auto"
        floor = self.cost_band
        if floor is None and self.objective != "soft" and not wants_front(self.strategy):
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
    numbered = tuple(_with_number(source) for source in sources)
    return merge_settings(BaselineConfig, BaselineConfig, numbered, _AMOUNTS)


def _with_number(source: Mapping[str, Any]) -> Mapping[str, Any]:
    """The mapping with a weight that was written as text, `auto` aside, as a number."""
    weight = source.get("weight")
    if not isinstance(weight, str) or weight == "auto":
        return source
    try:
        return {**source, "weight": float(weight)}
    except ValueError:
        raise InputError(f"weight must be a number or auto, not '{weight}'") from None


def changed_keys(before: Mapping[str, Any], now: BaselineConfig) -> list[str]:
    """Keys in which a resumption differs from its run although it must not."""
    return _changed_keys(before, now.to_dict(), MAY_CHANGE)

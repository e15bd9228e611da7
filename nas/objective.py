"""From accuracy and costs to one reward, and the band of costs a search stays in.

    hard      ACC · (c/T)^w where c > T, ACC elsewhere; w = −1        (MnasNet, equation 2)
    soft      ACC · (c/T)^w everywhere; w = −0.07                     (MnasNet, equation 2)
    absolute  ACC + β·|c/T − 1|; β = −0.5                             (TuNAS)

Several targets multiply (EfficientNetV2: A·S^w·P^v); absolute terms add.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from effsearch.nas.options import ObjectiveKind, ObjectiveOptions
from effsearch.results.config import given_object
from effsearch.results.config.objects import PREFIX
from effsearch.results.formatting import number
from effsearch.search_spaces.errors import (
    EffsearchError,
    InfeasibleError,
    InputError,
    unknown_name,
)
from effsearch.search_spaces.metrics import find_metric

Floats: TypeAlias = NDArray[np.float64]

DEFAULT_WEIGHTS: dict[str, float] = {"hard": -1.0, "soft": -0.07, "absolute": -0.5}
FLOOR = 0.1
"""How far under the first target a `hard` or `absolute` search looks, as a fraction of it."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A wanted cost.

    Attributes:
        metric: name of the cost, such as `macs` or `params`.
        limit: T, above 0, in the metric's unit.
        kind: how a cost other than T is rewarded.
        weight: w or β, at most 0; None for the kind's default.
        low: smallest cost a network may have to be evaluated at all; 0 for no bound.
        high: largest; infinite for no bound.

    Example:
        >>> import effsearch
        >>> effsearch.Target(metric="macs", limit=400e6).exponent
        -1.0
    """

    metric: str
    limit: float
    kind: ObjectiveKind = "hard"
    weight: float | None = None
    low: float = 0.0
    high: float = float("inf")

    def __post_init__(self) -> None:
        if self.kind not in get_args(ObjectiveKind):
            raise unknown_name("objective", self.kind, get_args(ObjectiveKind))
        if not self.limit > 0 or not np.isfinite(self.limit):
            raise InputError(f"target for {self.metric} must be above zero, not {self.limit!r}")
        if self.weight is not None and not (np.isfinite(self.weight) and self.weight <= 0):
            raise InputError(f"weight of {self.metric} must be zero or less, not {self.weight!r}")

    @property
    def exponent(self) -> float:
        """w or β with the kind's default filled in."""
        return DEFAULT_WEIGHTS[self.kind] if self.weight is None else self.weight


def banded_target(
    metric: str,
    limit: float,
    kind: ObjectiveKind = "hard",
    *,
    weight: float | None = None,
    tolerance: float | None = None,
    floor: float | None = None,
) -> Target:
    """A target with its band of costs worth an evaluation.

    Args:
        metric: name of the cost.
        limit: T.
        kind: objective.
        weight: w or β.
        tolerance: fraction over T still evaluated; None is 0 for `hard` and `absolute`, and no
            bound for `soft`.
        floor: fraction under T still evaluated, 1 for no bound; None is no bound.
    """
    if tolerance is not None and not 0 <= tolerance < float("inf"):
        raise InputError(f"cost tolerance must be 0 or more, such as 0.02, not {tolerance!r}")
    if floor is not None and not 0 < floor <= 1:
        raise InputError(f"cost band must lie in (0, 1], such as 0.1, not {floor!r}")
    if tolerance is None and kind != "soft":
        tolerance = 0.0
    return Target(
        metric=metric,
        limit=limit,
        kind=kind,
        weight=weight,
        low=0.0 if floor is None else limit * (1.0 - floor),
        high=float("inf") if tolerance is None else limit * (1.0 + tolerance),
    )


@dataclass(frozen=True)
class Objective:
    """One reward from accuracy and costs. Without targets the reward is the accuracy.

    Example:
        >>> import effsearch
        >>> small = effsearch.Target(metric="macs", limit=400e6)
        >>> objective = effsearch.Objective((small,))
        >>> [float(objective.reward(0.8, {"macs": macs})) for macs in (300e6, 800e6)]
        [0.8, 0.4]
    """

    targets: tuple[Target, ...] = ()

    def reward(
        self, accuracy: float | Floats, costs: Mapping[str, float | NDArray[np.int64] | Floats]
    ) -> Floats:
        """Reward of one network or of many: accuracy (fraction) and costs of equal shape ()."""
        reward = np.asarray(accuracy, dtype=np.float64)
        added = np.zeros_like(reward)
        for target in self.targets:
            ratio = np.asarray(costs[target.metric], dtype=np.float64) / target.limit
            if target.kind == "absolute":
                added = added + target.exponent * np.abs(ratio - 1.0)
                continue
            if target.kind == "hard":
                ratio = np.maximum(ratio, 1.0)
            reward = reward * ratio**target.exponent
        return reward + added

    def accuracy(self, reward: float, costs: Mapping[str, float]) -> float:
        """The accuracy that gives a network of these costs this reward; any number."""
        return float(self.accuracies(reward, costs))

    def accuracies(
        self, rewards: float | Floats, costs: Mapping[str, float | NDArray[np.int64] | Floats]
    ) -> Floats:
        """As `accuracy`, of many networks: rewards and costs of equal shape ()."""
        # At fixed costs every objective is linear in the accuracy.
        zeros = np.zeros_like(np.asarray(rewards, dtype=np.float64))
        at_zero = self.reward(zeros, costs)
        return np.asarray((rewards - at_zero) / (self.reward(zeros + 1.0, costs) - at_zero))

    @property
    def is_banded(self) -> bool:
        """Whether networks of some costs are not evaluated at all."""
        return any(target.low > 0 or target.high < float("inf") for target in self.targets)

    def violation(self, costs: Mapping[str, NDArray[np.int64] | Floats]) -> Floats:
        """How far outside the band each network lies, (candidates,); 0 inside."""
        total = np.zeros(len(next(iter(costs.values()))), dtype=np.float64)
        for target in self.targets:
            value = np.asarray(costs[target.metric], dtype=np.float64)
            total += np.maximum(value - target.high, 0.0) / target.limit
            total += np.maximum(target.low - value, 0.0) / target.limit
        return total

    def check_reachable(self, ranges: Mapping[str, tuple[float, float]]) -> None:
        """Compare with the lowest and highest cost in a space.

        Raises:
            InfeasibleError: no network of the space lies in a target's band.
        """
        for target in self.targets:
            if target.metric not in ranges:
                raise unknown_name("cost", target.metric, ranges)
            low, high = ranges[target.metric]
            if target.high < low or target.low > high:
                metric = target.metric
                raise InfeasibleError(
                    f"target of {number(metric, target.limit)} {find_metric(metric).short} is out "
                    f"of reach: the space holds {number(metric, low)} to {number(metric, high)}"
                )


RewardFunction: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]
"""From accuracies (n,) and costs by name, each (n,), to rewards (n,)."""

_HALVINGS = 60
_LEAST = 1e-6
_PROBE = (0.1, 0.4, 0.7, 0.9)


@dataclass(frozen=True)
class OwnObjective(Objective):
    """A reward by a function of the user's; the targets make the band of costs alone."""

    function: RewardFunction = field(default=lambda accuracy, costs: accuracy)
    name: str = "own"

    def reward(
        self, accuracy: float | Floats, costs: Mapping[str, float | NDArray[np.int64] | Floats]
    ) -> Floats:
        """As the function says; NaN is refused.

        Raises:
            EffsearchError: the function fails, or its rewards are no finite numbers of that shape.
        """
        # A model's draws leave [0, 1], where a logarithm or a power has no value.
        given = np.clip(np.asarray(accuracy, dtype=np.float64), _LEAST, 1.0)
        arrays = {name: np.asarray(cost, dtype=np.float64) for name, cost in costs.items()}
        try:
            found = np.asarray(self.function(given, arrays), dtype=np.float64)
        except Exception as error:  # whatever the user's code raises
            text = " ".join(f"{type(error).__name__}: {error}".split())
            raise EffsearchError(
                f"objective '{self.name}' failed: {text}; it is given numpy arrays, accuracy (n,) "
                "and costs by name, and returns rewards (n,)"
            ) from error
        if found.shape != given.shape or not np.isfinite(found).all():
            raise EffsearchError(
                f"objective '{self.name}' must return a finite reward for each accuracy, shape "
                f"{given.shape}, not {found.shape}{'' if np.isfinite(found).all() else ' with NaN'}"
            )
        return found

    def accuracies(
        self, rewards: float | Floats, costs: Mapping[str, float | NDArray[np.int64] | Floats]
    ) -> Floats:
        """The accuracies in [0, 1] of rewards, found by halving: rewards rise with accuracy."""
        wanted = np.asarray(rewards, dtype=np.float64)
        shape = np.broadcast_shapes(wanted.shape, *(np.shape(cost) for cost in costs.values()))
        wanted = np.broadcast_to(wanted, shape)
        low, high = np.zeros(shape), np.ones(shape)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            enough = self.reward(middle, costs) >= wanted
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return np.asarray((low + high) / 2)

    def check_function(self, costs: Mapping[str, NDArray[np.int64] | Floats]) -> None:
        """Try the function on the costs of some networks, each (n,) with n of at least 1.

        Raises:
            EffsearchError: as `reward`, or the reward does not rise with the accuracy.
        """
        count = len(next(iter(costs.values())))
        rewards = [self.reward(np.full(count, accuracy), costs) for accuracy in _PROBE]
        if (np.diff(rewards, axis=0) <= 0).any():
            raise InputError(
                f"objective '{self.name}': of two networks of equal cost the more accurate one "
                "must have the higher reward"
            )


def describe(objective: Objective | Sequence[Target]) -> str:
    """An objective or its targets, for reading: `hard macs 400.0M (w=-1)`."""
    if isinstance(objective, OwnObjective):
        band = f", band of {describe(objective.targets)}" if objective.targets else ""
        return f"own objective {objective.name}{band}"
    targets = objective.targets if isinstance(objective, Objective) else objective
    if not targets:
        return "accuracy alone"
    return ", ".join(
        f"{t.kind} {find_metric(t.metric).short} {number(t.metric, t.limit)} (w={t.exponent:g})"
        for t in targets
    )


def resolved_objective(options: ObjectiveOptions) -> dict[str, float | None]:
    """Weight and cost bands as they hold where nothing was said of them."""
    weight, tolerance, band = options.weight, options.cost_tolerance, options.cost_band
    is_soft = options.objective == "soft"
    assert weight != "auto"
    return {
        "weight": DEFAULT_WEIGHTS.get(options.objective) if weight is None else weight,
        "cost_tolerance": 0.0 if tolerance is None and not is_soft else tolerance,
        "cost_band": (1.0 if is_soft or options.wants_front else FLOOR) if band is None else band,
    }


def make_objective(options: ObjectiveOptions) -> Objective:
    """The objective of options, with its cost bands; the weight has to be a number by now."""
    assert options.weight != "auto"
    given = given_object("objective", options.objective)
    if isinstance(given, Objective):
        return given
    if given is not None:
        kind: ObjectiveKind = "hard"
        name = options.objective.removeprefix(PREFIX)
        return OwnObjective(_targets(options, kind), given, name)
    return Objective(_targets(options, options.objective))


def _targets(options: ObjectiveOptions, kind: ObjectiveKind) -> tuple[Target, ...]:
    assert options.weight != "auto"
    floor = resolved_objective(options)["cost_band"]
    made: list[Target] = []
    for metric, limit in options.targets.items():
        made.append(
            banded_target(
                metric,
                limit,
                kind,
                weight=options.weight,
                tolerance=options.cost_tolerance,
                floor=None if made else floor,
            )
        )
    return tuple(made)

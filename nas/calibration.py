"""Where the optimum of a `soft` reward lies, and which weight would put it at the target.

With ACC·(c/T)^w everywhere T is a constant factor: the optimum is where the best accuracy at a
cost stops growing faster than cost^(−w), wherever that is. In logarithms the best accuracies over
cost are a frontier, and the optimum is where its upper hull has the slope −w. So the weight for a
target is the hull's slope there. The frontier is what a model of the measured accuracies expects;
draws from the model say how sure that is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from effsearch.nas.cost_model import LATENCY
from effsearch.nas.objective import Floats, Objective, Target
from effsearch.nas.problem import Problem, Result
from effsearch.nas.surrogate.belief import Belief
from effsearch.nas.surrogate.features import FeatureTables
from effsearch.nas.surrogate.gaussian_process import one_thread
from effsearch.nas.surrogate.lift import lifted
from effsearch.search_spaces.space import Encodings

CONFIDENCE = 0.9
FEWEST = 20
"""Measured networks without which nothing is said."""

_SPAN = np.log(4.0)  # the frontier is followed from a quarter of the target to four times it
_BIN = 0.04
_KEPT = 4  # networks of each bin
_CHILDREN = 6
_GENERATIONS = 12
_DRAWN = 2000
_DRAWS = 200
_REACH = 0.1  # the slope is taken from 10% under the target to 10% over it
_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What is known of a soft objective after a search.

    Attributes:
        metric: the cost.
        target: T.
        weight: w of the search.
        optimum: cost of the network of the highest reward with w: median of the model's draws.
        optimum_interval: 90% of the draws.
        weight_at_target: w that is expected to put the optimum at T, at most 0: median of the
            draws. None where in half of them no weight does.
        weight_interval: 90% of the draws.
    """

    metric: str
    target: float
    weight: float
    optimum: float
    optimum_interval: tuple[float, float]
    weight_at_target: float | None
    weight_interval: tuple[float, float] | None


def calibrate(problem: Problem, results: Sequence[Result], seed: int) -> Calibration | None:
    """Learn from a search's measurements; None where they, or the objective, do not allow it.

    Args:
        problem: with one target that is `soft`.
        results: measured networks; those whose training was given up are left out.
        seed: of everything random.
    """
    target = soft_target(problem.objective)
    measured = [found for found in results if found.accuracy is not None and not found.partial]
    if target is None or len(measured) < FEWEST or not len(problem.space):
        return None
    rng = np.random.default_rng([seed, 2])
    features = FeatureTables(problem.space)
    rows = np.array([found.candidate.encoding for found in measured], dtype=np.int64)
    with one_thread():
        accuracies, doubts = lifted(measured, problem.objective)
        belief = Belief.of(features(rows), accuracies, problem.space.options, doubts)
        pool = frontier(problem, lambda some: belief.expected(features(some)), rows, rng)
        if not len(pool):
            return None  # the space lies far from the target
        costs = problem.costs(pool)[target.metric].astype(np.float64)
        seen = features(pool)
        draws = belief.sample(seen, rng.standard_normal((_DRAWS, len(pool))))
    optima = [optimum(costs, draw, target.exponent) for draw in draws]
    weights = [weight_for(costs, draw, target.limit) for draw in draws]
    known = [weight for weight in weights if weight is not None]
    sure = 2 * len(known) > _DRAWS
    low, high = _interval(optima)
    return Calibration(
        metric=target.metric,
        target=target.limit,
        weight=target.exponent,
        optimum=_plain(target.metric, float(np.median(optima))),
        optimum_interval=(_plain(target.metric, low), _plain(target.metric, high)),
        weight_at_target=float(np.median(known)) if sure else None,
        weight_interval=_interval(known) if sure else None,
    )


def _plain(metric: str, value: float) -> float:
    """A cost as documents carry it: counts are whole, a latency is not."""
    return round(value, 4) if metric == LATENCY else round(value)


def soft_target(objective: Objective) -> Target | None:
    """The target of an objective that has one alone, and that is `soft`."""
    if len(objective.targets) == 1 and objective.targets[0].kind == "soft":
        return objective.targets[0]
    return None


def optimum(costs: Floats, accuracies: Floats, weight: float) -> float:
    """Cost of the network of the highest reward ACC·(c/T)^w; the same for every T.

    Args:
        costs, accuracies: of n networks, (n,).
        weight: w.
    """
    return float(costs[np.argmax(_logs(accuracies) + weight * np.log(costs))])


def weight_for(costs: Floats, accuracies: Floats, target: float) -> float | None:
    """The weight w ≤ 0 that puts the optimum over n networks near a cost.

    The optimum then lies within 10% of the target, or as near as the hull's corners allow.

    Args:
        costs, accuracies: of n networks, (n,).
        target: the wanted cost.

    Returns:
        w; None where no network costs less, none costs more, or accuracy falls with cost there.
    """
    x, y = _upper_hull(np.log(costs), _logs(accuracies))
    place = float(np.log(target))
    low, high = max(place - _REACH, float(x[0])), min(place + _REACH, float(x[-1]))
    if not x[0] < place < x[-1]:
        return None
    left, right = np.interp([low, high], x, y)
    slope = float((right - left) / (high - low))
    return -slope if slope >= 0 else None


def frontier(
    problem: Problem,
    accuracy: Callable[[Encodings], Floats],
    start: Encodings,
    rng: np.random.Generator,
) -> Encodings:
    """Networks of high accuracy at every cost around the target of a soft objective.

    Costs are divided into bins; from generation to generation each bin keeps its best, and what
    is kept is mutated.

    Args:
        problem: with one target.
        accuracy: from encodings (n, genes) to accuracies (n,).
        start: encodings to begin with; they are joined by random ones.
        rng: of the mutations.
    """
    (target,) = problem.objective.targets
    rows = np.concatenate([start, problem.space.sample(rng, _DRAWN)])
    kept = rows[:0]
    for _ in range(_GENERATIONS):
        kept = _best_of_bins(problem, accuracy, np.concatenate([kept, rows]), target)
        if not len(kept):
            return kept
        rows = np.repeat(kept, _CHILDREN, axis=0)
        for few in (1, 2):
            some = rng.random(len(rows)) < 1 / few
            rows[some] = problem.space.mutate(rng, rows[some], 1)
    return kept


def _best_of_bins(
    problem: Problem, accuracy: Callable[[Encodings], Floats], rows: Encodings, target: Target
) -> Encodings:
    rows = problem.in_band(np.unique(rows, axis=0))
    away = np.log(problem.costs(rows)[target.metric] / target.limit)
    rows, away = rows[np.abs(away) < _SPAN], away[np.abs(away) < _SPAN]
    if not len(rows):
        return rows
    bins = np.floor(away / _BIN).astype(np.int64)
    order = np.lexsort((-accuracy(rows), bins))
    ordered = bins[order]
    rank = np.arange(len(rows)) - np.searchsorted(ordered, ordered)
    best: Encodings = rows[order[rank < _KEPT]]
    return best


def _upper_hull(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Corners of the least concave function above the points, by ascending x."""
    corners: list[tuple[float, float]] = []
    for point in sorted(zip(x.tolist(), y.tolist(), strict=True)):
        if corners and corners[-1][0] == point[0]:
            corners.pop()
        while len(corners) > 1 and _turns_left(corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    found = np.array(corners)
    return found[:, 0], found[:, 1]


def _turns_left(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) >= (c[0] - a[0]) * (b[1] - a[1])


def _logs(accuracies: Floats) -> Floats:
    return np.log(np.maximum(accuracies, _LEAST))


def _interval(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(np.asarray(values), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)

"""Finalists: the best of a search trained again, longer and over several seeds.

A search picks the luckiest of many noisy measurements. What it found is worth what it shows when
it is measured afresh, so the finalists' own search results do not enter the comparison.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from effsearch.nas.config import BaselineConfig
from effsearch.nas.objective import Objective
from effsearch.nas.strategies.registry import wants_front
from effsearch.nas.trial_records import trial_seed
from effsearch.results.pareto import cheapest_first
from effsearch.results.statistics import CONFIDENCE, compare
from effsearch.results.store.ledger import Ledger
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.notation import parse_stored
from effsearch.training.trials.budget import Budget
from effsearch.training.trials.jobs import Job, ListSource
from effsearch.training.trials.trainings import Trainings


def choose_finalists(ranked: Sequence[Trial], config: BaselineConfig) -> list[Trial]:
    """The trials to train again: the best few, or the whole front the strategy wants.

    Args:
        ranked: the search's finished trials, best first.
        config: of the search; `finalist_count` is how many, 0 for none.
    """
    if not wants_front(config.strategy) or not config.finalist_count:
        return list(ranked[: config.finalist_count])
    accuracies = [float(trial.accuracy or 0.0) for trial in ranked]
    on_front = cheapest_first(accuracies, [trial.costs[config.front_cost] for trial in ranked])
    return [ranked[place] for place in sorted(on_front)]


def finalist_jobs(finalists: Sequence[Trial], seeds: int) -> Iterator[Job]:
    """Seed by seed, so that an early stop has measured all finalists equally often."""
    for repeat in range(seeds):
        for finalist in finalists:
            yield Job(
                architecture=parse_stored(finalist.architecture),
                label=finalist.encoding,
                costs=finalist.costs,
                repeats=(repeat,),
            )


def finalist_queue(
    finalists: Sequence[Trial],
    config: BaselineConfig,
    objective: Objective,
    ledger: Ledger,
    budget: Budget | None = None,
) -> Trainings:
    """Trainings of the finalists; what is done stands in a ledger of their own.

    Args:
        finalists: trials of the search, best first.
        config: of the search.
        objective: for rewards.
        ledger: open for appending, not the search's.
        budget: of time; None for no limit.
    """
    return Trainings(
        ListSource(finalist_jobs(finalists, config.finalist_seeds)),
        ledger,
        ledger.history(),
        networks=len(finalists),
        seeds=config.finalist_seeds,
        seed_of=lambda id, repeat: trial_seed(config.seed, f"{id}/{repeat}"),
        reward=lambda accuracy, costs: float(objective.reward(accuracy, costs)),
        budget=budget,
    )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the finalists' trainings say.

    Attributes:
        winner: the finalist of the highest mean reward.
        accuracy, low, high: its mean accuracy and interval; None where one seed each was trained.
        confidence: of all intervals.
        ties: ids of finalists that cannot be told from the winner, itself included.
        rank_correlation: Kendall's τ of the search's accuracies and the means of the longer
            training; None with fewer than three finalists or equal values.
        rows: each finalist, best first, as JSON-ready data.
    """

    winner: Trial
    accuracy: float
    low: float | None
    high: float | None
    confidence: float
    ties: list[str]
    rank_correlation: float | None
    rows: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """For `baseline.json`."""
        document = asdict(self)
        del document["winner"]
        return document


def judge(
    finalists: Sequence[Trial], scores: dict[str, list[float]], objective: Objective
) -> Verdict | None:
    """Compare the finalists by their fresh scores; None where every training failed."""
    measured = [finalist for finalist in finalists if scores.get(finalist.arch_id)]
    if not measured:
        return None
    best, estimates = compare([scores[finalist.arch_id] for finalist in measured])
    rows: list[dict[str, Any]] = []
    for finalist, estimate in zip(measured, estimates, strict=True):
        costs = finalist.costs
        rows.append(
            {
                "id": finalist.arch_id,
                "trial": finalist.number,
                "notation": finalist.architecture,
                "macs": finalist.costs["macs"],
                "accuracy": objective.accuracy(estimate.mean, costs),
                "low": _accuracy(objective, estimate.low, costs),
                "high": _accuracy(objective, estimate.high, costs),
                "seeds": [objective.accuracy(score, costs) for score in scores[finalist.arch_id]],
                "search_accuracy": finalist.accuracy,
                "reward": estimate.mean,
                "tied": estimate.tied,
            }
        )
    chosen = rows[best]
    return Verdict(
        winner=measured[best],
        accuracy=chosen["accuracy"],
        low=chosen["low"],
        high=chosen["high"],
        confidence=CONFIDENCE,
        ties=[row["id"] for row in rows if row["tied"]],
        rank_correlation=_kendall(rows),
        rows=sorted(rows, key=lambda row: -float(row["reward"])),
    )


def _accuracy(
    objective: Objective, reward: float | None, costs: Mapping[str, float]
) -> float | None:
    return None if reward is None else objective.accuracy(reward, costs)


def _kendall(rows: Sequence[dict[str, Any]]) -> float | None:
    if len(rows) < 3:
        return None
    from scipy.stats import kendalltau

    tau = float(
        kendalltau([row["search_accuracy"] for row in rows], [row["accuracy"] for row in rows])[0]
    )
    return tau if np.isfinite(tau) else None

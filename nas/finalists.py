"""Finalists: the best of a search trained again, longer and over several seeds.

A search picks the luckiest of many noisy measurements. What it found is worth what it shows when
it is measured afresh, so the finalists' own search results do not enter the comparison.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from effsearch.nas.config import BaselineConfig
from effsearch.nas.objective import Objective
from effsearch.nas.search import trial_seed
from effsearch.nas.strategies.registry import wants_front
from effsearch.results.pareto import cheapest_first
from effsearch.results.statistics import CONFIDENCE, compare
from effsearch.results.store.events import Asked, Event, Told
from effsearch.results.store.ledger import Ledger
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.notation import parse_stored
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.outcome import Outcome, as_event


def choose_finalists(ranked: Sequence[Trial], config: BaselineConfig) -> list[Trial]:
    """The trials to train again: the best few, or the whole front the strategy wants.

    Args:
        ranked: the search's finished trials, best first.
        config: of the search; `finalists` is how many, 0 for none.
    """
    if not wants_front(config.strategy) or not config.finalists:
        return list(ranked[: config.finalists])
    accuracies = [float(trial.accuracy or 0.0) for trial in ranked]
    on_front = cheapest_first(accuracies, [trial.costs[config.front_cost] for trial in ranked])
    return [ranked[place] for place in sorted(on_front)]


class FinalistQueue:
    """Trainings of the finalists still to do; what is done stands in a ledger of their own.

    Args:
        finalists: trials of the search, best first.
        seeds: trainings of each.
        objective: for rewards.
        ledger: open for appending, not the search's.
        seed: the run's.
        events: what the ledger holds already.
    """

    def __init__(
        self,
        finalists: Sequence[Trial],
        *,
        seeds: int,
        objective: Objective,
        ledger: Ledger,
        seed: int,
        events: Sequence[Event],
    ) -> None:
        self._objective = objective
        self._ledger = ledger
        self._finalists = {finalist.arch_id: finalist for finalist in finalists}
        self.scores: dict[str, list[float]] = {arch_id: [] for arch_id in self._finalists}
        self.failed = 0
        self.done = 0
        self.samples = len(finalists) * seeds
        self.listeners: list[Callable[[], None]] = []
        self._asked: dict[int, Asked] = {}
        self._waiting: deque[int] = deque()
        self._ended: set[int] = set()
        self._take_over(events)
        self._ask_missing(seeds, seed)

    def take(self, count: int) -> list[Request]:
        """Up to `count` trainings to run now."""
        taken = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        return [
            Request(number, parse_stored(self._asked[number].architecture), asked.seed)
            for number in taken
            for asked in (self._asked[number],)
        ]

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Keep what came of trainings taken before."""
        events = [self._event(outcome) for outcome in outcomes if outcome.trial not in self._ended]
        self._ledger.append(*events)
        for event in events:
            self._count(event)
        for listener in self.listeners:
            listener()

    @property
    def finished(self) -> bool:
        """Every training has ended."""
        return self.done >= self.samples

    @property
    def best_line(self) -> str:
        """The leader so far, for the progress bar."""
        means = {arch_id: np.mean(scores) for arch_id, scores in self.scores.items() if scores}
        if not means:
            return "nothing yet"
        leader = max(means, key=lambda arch_id: means[arch_id])
        return f"best {means[leader]:.4f} (network {leader}, {len(self.scores[leader])} seeds)"

    def _take_over(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Asked):
                self._asked[event.trial] = event
        for event in events:
            if not isinstance(event, Asked) and self._asked[event.trial].arch_id in self._finalists:
                self._count(event)

    def _ask_missing(self, seeds: int, seed: int) -> None:
        known = {(asked.arch_id, asked.batch): number for number, asked in self._asked.items()}
        now, missing = time.time(), []
        # Seed by seed, so that an early stop has measured all finalists equally often.
        for batch in range(seeds):
            for finalist in self._finalists.values():
                number = known.get((finalist.arch_id, batch))
                if number is None:
                    number = len(self._asked)
                    asked = Asked(
                        trial=number,
                        batch=batch,
                        seed=trial_seed(seed, f"{finalist.arch_id}/{batch}"),
                        arch_id=finalist.arch_id,
                        architecture=finalist.architecture,
                        encoding=finalist.encoding,
                        costs=dict(finalist.costs),
                        time=now,
                    )
                    self._asked[number] = asked
                    missing.append(asked)
                if number not in self._ended:
                    self._waiting.append(number)
        if missing:
            self._ledger.append(*missing)

    def _event(self, outcome: Outcome) -> Event:
        accuracy, costs = outcome.accuracy, self._asked[outcome.trial].costs
        reward = None if accuracy is None else float(self._objective.reward(accuracy, costs))
        return as_event(outcome, reward)

    def _count(self, event: Event) -> None:
        self._ended.add(event.trial)
        self.done += 1
        if isinstance(event, Told):
            self.scores[self._asked[event.trial].arch_id].append(event.reward)
        else:
            self.failed += 1


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

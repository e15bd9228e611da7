"""How much each choice matters for accuracy: permutation importance of a random forest.

Three forests (scikit-learn) each learn two thirds of the trials; a choice's importance is how much
of the explained variance on the held-out third is lost when that choice is shuffled. The R² on the
held-out thirds tells whether the forests learned anything; where they did not, nothing is claimed.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.choices import Choice, read_choices
from effsearch.results.plots.style import NothingToDrawError
from effsearch.results.store.run_data import RunData

LEAST_TRIALS = 30
_MOST_TRIALS = 1500
_FOLDS = 3
_SHUFFLES = 3
_TREES = 60


@dataclass(frozen=True)
class Importance:
    """What the forests found.

    Attributes:
        choices: what varied, most important first.
        losses: lost R² on held-out trials when shuffled, mean over forests and shuffles.
        spreads: their standard deviations.
        explained: R² on held-out trials; 0 and less: nothing was learned.
        trials: how many were learned from.
    """

    choices: tuple[Choice, ...]
    losses: NDArray[np.float64]
    spreads: NDArray[np.float64]
    explained: float
    trials: int


@lru_cache(maxsize=4)
def measure_importance(data: RunData) -> Importance:
    """Learn accuracy from the choices; the same run gives the same numbers.

    Raises:
        NothingToDrawError: too few trials, or nothing varied.
    """
    choices = read_choices(data)
    rows = [
        row
        for row, trial in enumerate(choices.trials)
        if trial.state == "done" and trial.accuracy is not None and not trial.partial
    ]
    if not data.done:
        raise NothingToDrawError(NOTHING_YET)
    if len(rows) < LEAST_TRIALS or not choices.varied:
        raise NothingToDrawError(
            f"importance needs {LEAST_TRIALS} measured networks that differ, not {len(rows)}"
        )
    rng = np.random.default_rng(0)
    if len(rows) > _MOST_TRIALS:
        rows = sorted(rng.choice(rows, _MOST_TRIALS, replace=False).tolist())
    picked = np.array([choice.picks for choice in choices.varied]).T[rows]
    accuracy = np.array([choices.trials[row].accuracy for row in rows], dtype=np.float64)
    scores, losses = _learn(picked, accuracy, rng)
    order = np.argsort(-losses.mean(axis=0), kind="stable")
    return Importance(
        choices=tuple(choices.varied[place] for place in order),
        losses=losses.mean(axis=0)[order],
        spreads=losses.std(axis=0)[order],
        explained=float(scores.mean()),
        trials=len(rows),
    )


def _learn(
    picked: NDArray[np.int64], accuracy: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """R² of each fold (folds,), and what is lost of it a choice, (folds · shuffles, choices)."""
    from sklearn.ensemble import RandomForestRegressor

    parts = np.array_split(rng.permutation(len(accuracy)), _FOLDS)
    scores, losses = [], []
    for held in parts:
        learned = np.setdiff1d(np.arange(len(accuracy)), held)
        forest = RandomForestRegressor(_TREES, min_samples_leaf=2, max_features=0.4, random_state=0)
        forest.fit(picked[learned], accuracy[learned])
        variance = max(float(np.var(accuracy[held])), 1e-12)
        truth = accuracy[held]
        score = 1 - float(np.mean((forest.predict(picked[held]) - truth) ** 2)) / variance
        scores.append(score)
        for _ in range(_SHUFFLES):
            shuffled = _shuffle_each(picked[held], rng)  # one call predicts for all choices
            errors = (forest.predict(shuffled).reshape(-1, len(held)) - truth) ** 2
            losses.append(score - (1 - errors.mean(axis=1) / variance))
    return np.array(scores), np.array(losses)


def _shuffle_each(rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Copies of the rows, one a column, in which that column is shuffled; stacked."""
    copies = []
    for column in range(rows.shape[1]):
        copy = rows.copy()
        copy[:, column] = rng.permutation(copy[:, column])
        copies.append(copy)
    return np.concatenate(copies)

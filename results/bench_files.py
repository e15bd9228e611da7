"""A benchmark of strategies as it stands in its run directory, whole or under way.

`searches.jsonl` has a line a search that has ended; `bench.csv` (`results.kinds.bench`) and
`traces.csv` are written when all have.
"""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.results.statistics import student_t
from effsearch.results.store.kind_table import Row
from effsearch.results.store.run import Run
from effsearch.search_spaces.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEARCHES = "searches.jsonl"
TRACES = "traces.csv"
CONFIDENCE = 0.95


def count_searches(run: Run) -> tuple[int, int]:
    """Searches that have ended, and all that are wanted."""
    path = run.path / SEARCHES
    ended = path.read_bytes().count(b"\n") if path.is_file() else 0
    strategies, seeds = run.config.get("strategies"), run.config.get("seeds")
    if not isinstance(strategies, list) or not isinstance(seeds, int):
        return ended, ended
    return ended, len(strategies) * seeds


def read_rewards(directory: Path) -> dict[str, list[list[float]]]:
    """By strategy, for each seed, the incumbent's reward after 1, 2, … evaluations.

    NaN stands before the first evaluation that succeeded; nothing is there before all searches
    have ended.

    Raises:
        InputError: the file is corrupt; which line.
    """
    path = directory / TRACES
    found: dict[str, dict[str, list[float]]] = {}
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            for line, row in enumerate(csv.DictReader(stream), start=2):
                try:
                    rewards = found.setdefault(row["strategy"], {}).setdefault(row["seed"], [])
                    rewards.append(float(row["reward"] or math.nan))
                except (KeyError, TypeError, ValueError):
                    raise InputError(f"{path}, line {line}: restore it from a copy") from None
    if len({len(rewards) for seeds in found.values() for rewards in seeds.values()}) > 1:
        raise InputError(f"{path} has searches of different lengths: restore it from a copy")
    return {strategy: list(seeds.values()) for strategy, seeds in found.items()}


def final_standings(rows: Sequence[Row]) -> list[Row]:
    """Of the rows of `bench.csv` those after the last evaluation, best first."""
    last = max((row["evaluations"] for row in rows), default=0)
    final = [row for row in rows if row["evaluations"] == last]
    return sorted(
        final, key=lambda row: -(row["reward"] if row["reward"] is not None else -math.inf)
    )


def interval(values: "NDArray[np.float64]") -> tuple[float, float]:
    """Mean, and half the width of its 95% interval by Student's t; NaN for one value."""
    count = len(values)
    if count < 2:
        return float(values.mean()), float("nan")
    half = student_t((1 + CONFIDENCE) / 2, count - 1) * values.std(ddof=1) / math.sqrt(count)
    return float(values.mean()), float(half)

"""Timing one thing well: warm up until steady, leave out disturbed runs, say how noisy it was.

A run is disturbed where its thread did not have the core all the time. That is seen without
guessing, as the thread's own processor time falls behind the clock; what such a run would have
taken alone is then that processor time, but for what others did to the caches.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STEADY = 0.03  # two medians of five runs that differ by less are steady
_WARM_RUNS = 5
_WARM_ROUNDS = 2
_UNDISTURBED = 0.95  # share of the wall time that the thread must have had the core
_ENOUGH = 5  # undisturbed runs, so that the others can be left out
_NOISY_SPREAD = 0.10
_NOISY_SHARE = 0.25


@dataclass(frozen=True)
class Run:
    """One timed run.

    Attributes:
        ms: how long it took; of a disturbed run the time that it had the core.
        disturbed: another process had the core for a part of it.
    """

    ms: float
    disturbed: bool = False


Timed = Callable[[], Run]
"""Something ready to run: each call runs it once."""


@dataclass(frozen=True)
class Sampling:
    """How long to measure.

    Attributes:
        least, most: timed runs; between them it stops when the median is known to 0.5%.
        seconds: of timed runs at most, though never fewer than `least`.
        warm_seconds: of warm-up at most.
    """

    least: int = 15
    most: int = 200
    seconds: float = 3.0
    warm_seconds: float = 3.0


@dataclass(frozen=True)
class Timing:
    """What many runs of one thing came to, in milliseconds.

    Attributes:
        median_ms, p95_ms: over the runs that count: the undisturbed ones, where there are
            at least five.
        low_ms: their tenth percentile. Other work on a machine only ever makes a run slower, so
            this is what settings are compared by where it may not be quiet.
        spread: interquartile range over the median.
        runs: that count.
        disturbed: runs in which another process had the core, whether they count or not.
        outliers: of those that count, above the upper quartile by more than three interquartile
            ranges.
        noisy: a quarter of all runs was disturbed, or the spread is above a tenth.
    """

    median_ms: float
    p95_ms: float
    low_ms: float
    spread: float
    runs: int
    disturbed: int
    outliers: int
    noisy: bool


def timed_on_cpu(run: Callable[[], object], threads: int) -> Timed:
    """Times a call on this thread; with several threads disturbances cannot be told.

    The thread's processor time counts where the call does all its work on this one thread, as
    torch and ONNX Runtime do when they are told to use one.
    """

    def once() -> Run:
        clock, core = time.perf_counter_ns(), time.thread_time_ns()
        run()
        had, took = time.thread_time_ns() - core, time.perf_counter_ns() - clock
        disturbed = threads == 1 and had < _UNDISTURBED * took
        return Run((had if disturbed else took) / 1e6, disturbed)

    return once


def warm_up(timed: Timed, seconds: float) -> None:
    """Run until the median of five runs is that of the five before, or the time is over."""
    end = time.perf_counter() + seconds
    before = np.inf
    while time.perf_counter() < end:
        median = float(np.median([timed().ms for _ in range(_WARM_RUNS)]))
        if abs(median - before) < _STEADY * median:
            return
        before = median


def sample(timed: Timed, sampling: Sampling | None = None) -> Timing:
    """Warm up, then run until the median is known, or the time is over."""
    limits = sampling or Sampling()
    warm_up(timed, limits.warm_seconds)
    end = time.perf_counter() + limits.seconds
    runs: list[Run] = []
    while len(runs) < limits.most:
        runs.append(timed())
        if len(runs) < limits.least:
            continue
        if time.perf_counter() > end or _known(runs):
            break
    return summary(runs)


def sample_in_turn(timed: Sequence[Timed], rounds: int) -> list[Timing]:
    """Time several things in turn, one run each a round, after two rounds of warm-up.

    Each run finds the caches as others left them, as a layer does within its network, and a
    moment in which the machine is busy falls on all alike.
    """
    runs: list[list[Run]] = [[] for _ in timed]
    for turn in range(rounds + _WARM_ROUNDS):
        for once, mine in zip(timed, runs, strict=True):
            run = once()
            if turn >= _WARM_ROUNDS:
                mine.append(run)
    return [summary(mine) for mine in runs]


def summary(runs: Sequence[Run]) -> Timing:
    """Median, p95, spread and noise of at least one run."""
    quiet = [run.ms for run in runs if not run.disturbed]
    values = np.array(quiet if len(quiet) >= _ENOUGH else [run.ms for run in runs])
    lowest, low, median, high, p95 = np.percentile(values, [10, 25, 50, 75, 95])
    spread = float((high - low) / median) if median else 0.0
    disturbed = sum(run.disturbed for run in runs)
    return Timing(
        median_ms=float(median),
        p95_ms=float(p95),
        low_ms=float(lowest),
        spread=spread,
        runs=len(values),
        outliers=int((values > high + 3 * (high - low)).sum()),
        disturbed=disturbed,
        noisy=bool(disturbed > _NOISY_SHARE * len(runs) or spread > _NOISY_SPREAD),
    )


def _known(runs: Sequence[Run]) -> bool:
    quiet: NDArray[np.float64] = np.array([run.ms for run in runs if not run.disturbed])
    if len(quiet) < _ENOUGH:
        return False
    low, median, high = np.percentile(quiet, [25, 50, 75])
    # Standard error of a median, from the quartiles as of a normal distribution.
    return bool(0.93 * (high - low) / np.sqrt(len(quiet)) < 0.005 * median)

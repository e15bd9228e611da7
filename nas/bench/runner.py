"""Run the searches of a benchmark: each strategy with each seed, in processes of their own."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from effsearch.nas.bench.benchmark import make_yardstick
from effsearch.nas.bench.config import BenchConfig
from effsearch.nas.bench.yardstick import Yardstick
from effsearch.nas.problem import Candidate, Result
from effsearch.nas.strategies.base import Strategy
from effsearch.nas.strategies.registry import make_strategy
from effsearch.results.store.signals import STOP_SIGNALS, deaf_children
from effsearch.search_spaces.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One search.

    Attributes:
        strategy: its name.
        seed: its seed.
        rewards: after each evaluation the noise-free reward of the network that the strategy would
            answer with (`Strategy.ranked`) after the last whole batch, and within the first batch
            after each result; NaN before any succeeded. Where the band ran out, the last goes on.
        sampled: the measured reward of each evaluation; NaN where it failed.
        evaluated: how many networks there were to evaluate; fewer than asked where the band ran
            out.
        missing: how many of them a table lacked.
        seconds: wall clock of the whole search.
        error: why the first evaluation failed that did, where that is known; else empty.
    """

    strategy: str
    seed: int
    rewards: tuple[float, ...]
    sampled: tuple[float, ...]
    evaluated: int
    missing: int
    seconds: float
    error: str = ""


def run_searches(
    config: BenchConfig, on_trace: Callable[[Trace], None], done: Sequence[Trace] = ()
) -> list[Trace]:
    """All searches, in the order of strategies and seeds.

    Args:
        config: what to run.
        on_trace: called with each search that has ended.
        done: searches that need not be run again.

    Raises:
        InputError: one of those is of another length, or there twice with different results.
    """
    if odd := [trace for trace in done if len(trace.rewards) != config.samples]:
        raise InputError(
            f"a search that was kept ({odd[0].strategy}, seed {odd[0].seed}) has "
            f"{len(odd[0].rewards)} evaluations and not {config.samples}: start a new run"
        )
    cells = [
        (name, config.seed + offset) for name in config.strategies for offset in range(config.seeds)
    ]
    found = {(trace.strategy, trace.seed): trace for trace in done}
    if other := [trace for trace in done if trace != found[trace.strategy, trace.seed]]:
        raise InputError(
            f"a search that was kept ({other[0].strategy}, seed {other[0].seed}) has two different "
            "results: restore searches.jsonl from a copy, or start a new run"
        )
    for trace in _run(config, [cell for cell in cells if cell not in found], on_trace):
        found[trace.strategy, trace.seed] = trace
    return [found[cell] for cell in cells]


def _run(
    config: BenchConfig, tasks: Sequence[tuple[str, int]], on_trace: Callable[[Trace], None]
) -> list[Trace]:
    if not tasks:
        return []
    if config.workers == 1:
        yardstick = make_yardstick(config)
        traces = []
        for name, seed in tasks:
            traces.append(run_search(yardstick, name, seed, config.samples, config.batch_size))
            on_trace(traces[-1])
        return traces
    with _processes(config) as pool:
        with deaf_children(*STOP_SIGNALS):  # the parent ends them itself
            futures = [pool.submit(_in_process, name, seed) for name, seed in tasks]
        for future in as_completed(futures):
            on_trace(future.result())
        return [future.result() for future in futures]


def run_search(
    yardstick: Yardstick,
    name: str,
    seed: int,
    samples: int,
    batch_size: int | None = None,
    **options: Any,
) -> Trace:
    """One strategy with one seed, `options` being the strategy's own."""
    return trace_of(
        yardstick, make_strategy(name, yardstick.problem, seed, **options), samples, batch_size
    )


def trace_of(
    yardstick: Yardstick, strategy: Strategy, samples: int, batch_size: int | None = None
) -> Trace:
    """A search with a strategy that has seen nothing yet."""
    start = time.perf_counter()
    rewards: list[float] = []
    sampled: list[float] = []
    judged, missing = np.nan, 0
    while len(rewards) < samples:
        size = min(batch_size or strategy.default_batch, samples - len(rewards))
        batch = strategy.ask(size)
        results = [_measured(yardstick, candidate, strategy.seed) for candidate in batch]
        missing += sum(yardstick.lacks(candidate) for candidate in batch)
        sampled += [np.nan if result.reward is None else result.reward for result in results]
        rewards += _first_rewards(yardstick, results) if not rewards else [judged] * len(batch)
        strategy.tell(results)
        answers = strategy.ranked()
        if answers and batch:
            judged = _judged(yardstick, answers[0])
            rewards[-1] = judged
        if len(batch) < size:
            break
    return Trace(
        strategy=strategy.name,
        seed=strategy.seed,
        rewards=tuple(rewards + [judged] * (samples - len(rewards))),
        sampled=tuple(sampled),
        evaluated=len(sampled),
        missing=missing,
        seconds=time.perf_counter() - start,
        error=yardstick.error,
    )


def _first_rewards(yardstick: Yardstick, results: Sequence[Result]) -> list[float]:
    """After each result what the best of them so far is worth without noise."""
    rewards = []
    top, judged = -np.inf, np.nan
    for result in results:
        if result.reward is not None and result.reward > top:
            top, judged = result.reward, _judged(yardstick, result)
        rewards.append(judged)
    return rewards


def _judged(yardstick: Yardstick, result: Result) -> float:
    return yardstick.reward(result.candidate, yardstick.accuracy(result.candidate))


def _measured(yardstick: Yardstick, candidate: Candidate, seed: int) -> Result:
    accuracy = yardstick.measure(candidate, seed)
    if accuracy is None:
        return Result(candidate, None, None)
    return Result(candidate, accuracy, yardstick.reward(candidate, accuracy))


# In a worker process

_task: tuple[Yardstick, BenchConfig] | None = None


def _start(config: BenchConfig) -> None:
    global _task
    _task = (make_yardstick(config), config)


def _in_process(name: str, seed: int) -> Trace:
    assert _task is not None
    yardstick, config = _task
    return run_search(yardstick, name, seed, config.samples, config.batch_size)


@contextmanager
def _processes(config: BenchConfig) -> Iterator[ProcessPoolExecutor]:
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # read by the children as they load their libraries
    pool = ProcessPoolExecutor(
        config.workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(config,),
    )
    try:
        yield pool
    except BaseException:
        for process in list(pool._processes.values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
    pool.shutdown()

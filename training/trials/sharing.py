"""How many trainings share a GPU: as many as give the most trainings an hour, found by trying.

A small network on small images leaves most of a GPU idle; how much, depends on the network, the
images, the card and the processor beside it.
"""

import math
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import ray

from effsearch.search_spaces.errors import EffsearchError, MissingResourceError
from effsearch.training.trials.cluster import Resources, Session, cluster, fit_resources
from effsearch.training.trials.evaluator import Evaluator, Request
from effsearch.training.trials.isolation import IsolatedEvaluator

COUNTS = (2, 4, 8, 16, 32)

GAIN = 1.1
"""How much more twice as many must bring: the gain is paid for in memory, and in longer trials."""

SECONDS = 1.0
"""Least that a training which is timed takes alone; shorter ones get more epochs."""


@dataclass(frozen=True)
class Sharing:
    """Trainings a second by how many run at once on one GPU, from one on."""

    rates: dict[int, float]

    @property
    def best(self) -> int:
        """The most for which each doubling has paid."""
        found = 1
        for count, rate in self.rates.items():
            if rate >= GAIN * self.rates[found]:
                found = count
        return found

    def __str__(self) -> str:
        def gain(count: int) -> str:
            return f"{self.rates[count] / self.rates[1]:.1f}"

        others = [f"{count}: {gain(count)}" for count in self.rates if count not in (1, self.best)]
        beside = f" ({', '.join(others)})" if others else ""
        if self.best == 1:
            return f"one training at a time on a GPU: more give no more an hour{beside}"
        return (
            f"{self.best} trainings share a GPU: {gain(self.best)} times as many an hour as "
            f"one at a time{beside}"
        )


@contextmanager
def shared_session(
    resources: Resources, evaluator: Evaluator, request: Request
) -> Iterator[tuple[Session, Sharing]]:
    """Start or join Ray, and see how many trainings a GPU takes.

    Args:
        request: a typical training.

    Raises:
        MissingResourceError: no such cluster, or none of its machines has a GPU.
        EffsearchError: not even one training could be tried.
    """
    with cluster(resources) as have:
        gpus = have.get("GPU", 0.0)
        if gpus < 1:
            raise MissingResourceError(
                "--gpus-per-trial auto needs a GPU, and Ray sees none: leave it out to train on "
                "the CPU"
            )
        threads = resources.cpus_per_trial
        most = int(have.get("CPU", 0.0) // gpus // threads)
        if resources.workers:
            most = min(most, math.ceil(resources.workers / gpus))
        found = measure_sharing(evaluator, request, most=max(1, most), threads=threads)
        share = int(1e4 / found.best) / 1e4
        yield fit_resources(replace(resources, gpus_per_trial=share), have), found


Trial: TypeAlias = Callable[[int, Request], tuple[float, str]]
"""Seconds that so many trainings take at once, and what went wrong, empty where nothing did."""


def measure_sharing(evaluator: Evaluator, request: Request, *, most: int, threads: int) -> Sharing:
    """Train the same network 1, 2, 4, ... times at once on a GPU, until more brings no more.

    Args:
        most: trainings at once that the processor has cores for.
        threads: CPU threads of a training.

    Raises:
        EffsearchError: it could not be trained even once.
    """
    code, batched = pickle.dumps(evaluator), evaluator.batched

    def tried(count: int, request: Request) -> tuple[float, str]:
        with _crew(count, code, batched, threads) as crew:
            _, error = _train(crew, replace(request, epochs=1))  # warms up
            return (0.0, error) if error else _train(crew, request)

    return find_sharing(tried, request, most)


def find_sharing(tried: Trial, request: Request, most: int) -> Sharing:
    """As `measure_sharing`, by what is tried.

    Raises:
        EffsearchError: it could not be trained even once.
    """
    request = replace(request, epochs=1)
    seconds, error = tried(1, request)
    if not error and seconds < SECONDS:
        request = replace(request, epochs=math.ceil(SECONDS / seconds))
        seconds, error = tried(1, request)
    if error:
        raise EffsearchError(f"no training could be tried on a GPU: {error}")
    rates = {1: 1 / seconds}
    for count in (count for count in COUNTS if count <= most):
        seconds, error = tried(count, request)
        if error:  # so many do not fit into its memory
            break
        rates[count] = count / seconds
        if Sharing(rates).best != count:
            break
    return Sharing(rates)


class _Hand:
    """A training at a time, in an actor that has its share of a GPU."""

    def __init__(self, evaluator: bytes, batched: bool, threads: int) -> None:
        self._isolated = IsolatedEvaluator(
            evaluator, batched=batched, timeout=None, threads=threads
        )

    def train(self, request: Request) -> str:
        """What went wrong, empty where nothing did; a training that diverges takes its time too."""
        (outcome,) = self._isolated.evaluate([request])
        return "" if outcome.reason == "nan" else outcome.error

    def close(self) -> None:
        self._isolated.close()


@contextmanager
def _crew(count: int, evaluator: bytes, batched: bool, threads: int) -> Iterator[list[Any]]:
    """Actors of `_Hand`, with an even share of one GPU each."""
    share = int(1e4 / count) / 1e4
    actor: Any = ray.remote(num_cpus=threads, num_gpus=share)(_Hand)
    crew = [actor.remote(evaluator, batched, threads) for _ in range(count)]
    try:
        yield crew
    finally:
        ray.get([one.close.remote() for one in crew])
        for one in crew:
            ray.kill(one)


def _train(crew: Sequence[Any], request: Request) -> tuple[float, str]:
    """Seconds until all have trained, and the first error."""
    started = time.perf_counter()
    errors = ray.get([one.train.remote(request) for one in crew])
    return time.perf_counter() - started, next(filter(None, errors), "")

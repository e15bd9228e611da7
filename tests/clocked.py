"""Queues of trials run on a clock of the test's, in place of Ray."""

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from effsearch.training.trials.budget import Budget
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.outcome import Outcome
from effsearch.training.trials.queue_runner import Queue

WORKERS, SECONDS, LONGER = 2, 10.0, 30.0  # a training of the search, and of a finalist


class Cluster:
    """Runs queues as Ray does, so many trainings at a time, each of a set length."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ended: dict[str, int] = {}
        self.longer = LONGER

    @contextmanager
    def runner(self, machine: object, quiet: bool, **options: Any) -> Iterator[Any]:
        options["budget"].use(WORKERS, 0.0)
        yield self.run

    def run(self, queue: Queue, evaluator: object, title: str) -> None:
        seconds = self.longer if title in ("finalists", "references", "top") else SECONDS
        under_way: list[tuple[float, int, Request]] = []
        queue.prepare()
        while not queue.finished:
            for request in queue.take(1) if len(under_way) < WORKERS else []:
                heapq.heappush(under_way, (self.now + seconds, request.trial, request))
                break
            else:
                self.now, _, request = heapq.heappop(under_way)
                self.ended[title] = self.ended.get(title, 0) + 1
                accuracy = request.seed % 1000 / 1000
                values: dict[str, object] = {"accuracy": accuracy, "curve": [accuracy]}
                queue.record([Outcome(request.trial, values, None, "", seconds, "here:1")])

    def budget(self, seconds: float | None, gpu_hours: float | None, **where: Any) -> Budget:
        """In place of `start_budget`."""
        return Budget(seconds=seconds, gpu_hours=gpu_hours, clock=lambda: self.now)

    def stand_in(self, monkeypatch: pytest.MonkeyPatch, driver: Any, setup: Any) -> None:
        """Let a driver and what makes its plan use this clock."""
        monkeypatch.setattr(driver, "queue_runner", self.runner)
        monkeypatch.setattr(setup, "start_budget", self.budget)

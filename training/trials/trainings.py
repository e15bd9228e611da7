"""Trainings of networks over several seeds, handed out to Ray and kept in a ledger.

Which networks are trained is a source's business: the study's, or a fixed list's. What is done
stands in the ledger alone, so a source that names a network again gets what is known of it.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial

from effsearch.results.store.events import Asked, Event, Failed, Told
from effsearch.results.store.ledger import Ledger
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.units import plural
from effsearch.training.trials.budget import Budget
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.halving import Halving
from effsearch.training.trials.jobs import Job, ListSource, Measured, Source
from effsearch.training.trials.outcome import Outcome, as_event

DEATHS = 2
"""Times a training is started again whose process was killed, before it counts as failed."""


class Trainings:
    """A queue for `effsearch.training.trials.tune_runner`: each network of the source, once a seed.

    Args:
        source: names the networks.
        ledger: open for appending; of this queue alone.
        events: what it holds already.
        networks: how many the source will name.
        seeds: trainings of each network.
        seed_of: a training's seed, from the network's id and the repetition.
        halving: when a training is given up; None for never.
        reward: of an accuracy, for a network of these costs.
        budget: of time; once it is spent no further training is handed out. None for no limit.
    """

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        events: Iterable[Event],
        *,
        networks: int,
        seeds: int,
        seed_of: Callable[[str, int], int],
        halving: Halving | None = None,
        reward: Callable[[float, Mapping[str, float]], float] = lambda accuracy, costs: accuracy,
        budget: Budget | None = None,
    ) -> None:
        self._source, self._ledger = source, ledger
        self._seeds, self._seed_of, self._halving = seeds, seed_of, halving
        self._reward, self._budget = reward, budget
        self.samples = networks * seeds
        self.listeners: list[Callable[[], None]] = []
        self.measured: dict[str, Measured] = {}
        self.trained = 0
        self._jobs: dict[str, Job] = {}
        self._asked: dict[int, Asked] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._open: set[int] = set()
        self._deaths: dict[int, int] = {}
        self._waiting: deque[int] = deque()
        self._drained = False
        self._take_over(events)

    @property
    def done(self) -> int:
        """Trainings of the source's networks that ended."""
        return sum(measured.ended for measured in self.measured.values())

    @property
    def finished(self) -> bool:
        """The source has no more networks, or time is spent, and nothing is awaited."""
        if self._open:
            return False
        return self._out_of_time or (self._drained and not self._waiting)

    @property
    def left(self) -> int:
        """Trainings that were wanted, and for which a budget left no time."""
        return self.samples - self.done if self._out_of_time else 0

    @property
    def _out_of_time(self) -> bool:
        return self._budget is not None and self._budget.spent

    @property
    def best_line(self) -> str:
        """The leader so far, for the progress bar."""
        failed = sum(len(measured.errors) for measured in self.measured.values())
        stopped = sum(measured.stopped for measured in self.measured.values())
        more = "".join(
            f", {count} {what}"
            for count, what in ((failed, "failed"), (stopped, "stopped"))
            if count
        )
        means = {id: found.mean for id, found in self.measured.items() if found.mean is not None}
        if not means:
            return f"nothing yet{more}"
        leader = max(means, key=lambda id: means[id] or 0.0)
        count = len(self.measured[leader].rewards)
        seeds = f", {plural(count, 'seed')}" if self._seeds > 1 else ""
        return f"best {means[leader]:.4f} (network {leader}{seeds}){more}"

    def prepare(self) -> None:
        """Ask the source until there is something to train, or nothing is left."""
        while not (self._waiting or self._drained or self._out_of_time):
            self._ask()

    def take(self, count: int) -> list[Request]:
        """Up to `count` trainings to run now."""
        if self._out_of_time:
            return []
        while len(self._waiting) < count and not self._drained:
            self._ask()
        taken = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        self._open.update(taken)
        return [self._request(number) for number in taken]

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Keep what came of trainings taken before; start those again whose process was killed."""
        events: list[Event] = []
        for outcome in outcomes:
            if outcome.trial not in self._open:
                continue  # a retried trial that had been recorded already
            self._open.discard(outcome.trial)
            deaths = self._deaths.get(outcome.trial, 0)
            if outcome.died and deaths < DEATHS:
                self._deaths[outcome.trial] = deaths + 1
                self._waiting.append(outcome.trial)
                continue
            events.append(self._event(outcome))
        if not events:
            return
        self._ledger.append(*events)
        for event in events:
            self.trained += 1
            self._note(event)
            self._tell_if_whole(self._asked[event.trial].arch_id)
        for listener in self.listeners:
            listener()

    def _ask(self) -> None:
        """Take one more network from the source and queue what is not known of it."""
        job = self._source.next()
        if job is None:
            self._drained = True
            return
        id = job.architecture.id
        self._jobs[id] = job
        self.measured.setdefault(id, Measured())
        known = self._numbers
        repeats = range(self._seeds) if job.repeats is None else job.repeats
        missing = [self._new(job, i) for i in repeats if (id, i) not in known]
        if missing:
            self._ledger.append(*missing)
        numbers = [known[id, repeat] for repeat in repeats]
        self._waiting.extend(number for number in numbers if number not in self._ended)
        self._tell_if_whole(id)

    def _new(self, job: Job, repeat: int) -> Asked:
        number, id = len(self._asked), job.architecture.id
        asked = Asked(
            trial=number,
            batch=repeat,
            seed=self._seed_of(id, repeat),
            arch_id=id,
            architecture=format_architecture(job.architecture),
            encoding=job.label,
            costs=dict(job.costs or counted_costs(job.architecture)),
            time=time.time(),
        )
        self._asked[number] = asked
        self._numbers[id, repeat] = number
        return asked

    def _request(self, number: int) -> Request:
        asked = self._asked[number]
        job = self._jobs[asked.arch_id]
        stop_below = self._halving.thresholds() if self._halving else ()
        return Request(number, job.architecture, asked.seed, job.resolution, stop_below)

    def _event(self, outcome: Outcome) -> Told | Failed:
        accuracy, costs = outcome.accuracy, self._asked[outcome.trial].costs
        return as_event(outcome, None if accuracy is None else self._reward(accuracy, costs))

    def _tell_if_whole(self, id: str) -> None:
        if id in self._jobs and self.measured[id].ended >= self._seeds:
            self._source.tell(id, self.measured[id])

    def _note(self, event: Event) -> None:
        """Add a training that ended to what is known of its network."""
        assert not isinstance(event, Asked)
        asked = self._asked[event.trial]
        measured = self.measured.setdefault(asked.arch_id, Measured())
        measured.seconds += event.seconds
        self._ended.add(event.trial)
        if self._budget and isinstance(event, Told) and "stopped_after" not in event.measurements:
            self._budget.note(event.seconds, asked.costs["macs"])
        if isinstance(event, Failed):
            measured.errors.append(event.error)
            return
        curve = _curve(event.measurements)
        measured.curves.append(curve)
        if self._halving:
            self._halving.note(curve)
        if "stopped_after" in event.measurements:
            measured.stopped += 1
        else:
            measured.rewards[asked.batch] = event.reward

    def _take_over(self, events: Iterable[Event]) -> None:
        self._ended: set[int] = set()
        for event in events:
            if isinstance(event, Asked):
                self._asked[event.trial] = event
                self._numbers[event.arch_id, event.batch] = event.trial
            else:
                self._note(event)


def trainings_of(
    jobs: Sequence[Job], ledger: Ledger, *, seeds: int, seed: int, budget: Budget | None
) -> Trainings:
    """A queue of the networks of a list, on top of what its ledger holds.

    Args:
        jobs: each network once.
        seeds: trainings of each network.
        seed: of the run; those of the trainings follow from it.
    """
    return Trainings(
        ListSource(jobs),
        ledger,
        ledger.history(),
        networks=len(jobs),
        seeds=seeds,
        seed_of=partial(training_seed, seed),
        budget=budget,
    )


def counted_costs(architecture: Architecture) -> dict[str, float]:
    """What is counted of a network, by metric."""
    return asdict(cost(architecture))


def training_seed(seed: int, arch_id: str, repeat: int) -> int:
    """A training's seed, 0 … 2³² − 1, from the run's seed, the network and the repetition."""
    text = f"{seed}:{arch_id}:{repeat}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def _curve(measurements: Mapping[str, object]) -> list[float]:
    curve = measurements.get("curve")
    return [float(value) for value in curve] if isinstance(curve, list) else []

"""The search itself, free of Ray: what to evaluate next, and what to do with what came back.

Everything goes through the ledger first. A resumed search is the same object after the ledger's
events have been replayed into a new strategy.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from effsearch.nas.cost_model import LATENCY
from effsearch.nas.fidelities import Fidelities
from effsearch.nas.first_measured import FirstMeasured, Latencies
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.pruning import Pruning
from effsearch.nas.strategies.base import Strategy
from effsearch.nas.trial_records import TrialRecords
from effsearch.results.callbacks import Stop
from effsearch.results.store.events import Asked, Event, Failed, Told
from effsearch.results.store.ledger import Ledger
from effsearch.results.store.trials import Trial, top
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.units import format_count, format_ms
from effsearch.training.trials.budget import Budget
from effsearch.training.trials.evaluator import Measurements, Request
from effsearch.training.trials.outcome import Outcome, as_event, worker_name

_ROUNDING = 1e-9  # prices are fractions


class Search:
    """Batches of trials: asked, evaluated in any order, told in the order asked.

    Args:
        problem: space, objective, costs.
        strategy: a new one; `events` are replayed into it.
        ledger: open for appending.
        samples: trials in total, failed ones included, at least 1; where there are shorter ones,
            as many as cost what so many whole trainings do.
        batch_size: trials asked together.
        seed: the run's, from which each trial's seed follows.
        events: what the ledger holds already.
        budget: of time; once it is spent no new trial is handed out. None for no limit.
        pruning: gives trainings up that fall behind; a new one, as the strategy. None for never.
        fidelities: shorter trainings that the strategy may ask for; None for none.
        known: measurements, by the network's id, that need not be repeated: a trial of such a
            network ends as it is asked.
        latencies: measures milliseconds, which then stand for those predicted, of the networks of
            a batch before they are asked, when none of another is under way; a network that it
            gives an error for is a failed trial. None for no measurement. The cost band is that of
            the predictions.

    Attributes:
        asked, failed, stopped: trials so far, those that failed, trainings that were given up.
        shorter: trials so far that were trained for fewer epochs from the outset.
        stop_wished: a callback has asked for the end.
    """

    def __init__(
        self,
        problem: Problem,
        strategy: Strategy,
        ledger: Ledger,
        *,
        samples: int,
        batch_size: int,
        seed: int,
        events: Iterable[Event] = (),
        budget: Budget | None = None,
        pruning: Pruning | None = None,
        fidelities: Fidelities | None = None,
        known: Mapping[str, Measurements] | None = None,
        latencies: Latencies | None = None,
    ) -> None:
        self._problem = problem
        self._strategy = strategy
        self._ledger = ledger
        self._samples = samples
        self._batch_size = batch_size
        self._records = TrialRecords(problem, seed, ledger.path, with_curves=pruning is not None)
        self._pruning = pruning
        self._fidelities = fidelities
        self._spent = self._ended_price = 0.0  # in whole trainings
        self._nothing_fits = False
        self._first_measured = FirstMeasured(latencies) if latencies else None
        self._known = known or {}
        self._budget = budget
        self.asked = 0
        self.failed = 0
        self.stopped = 0
        self.shorter = 0
        self.best: tuple[float, float, Candidate] | None = None
        self.exhausted = False
        self.stop_wished = False
        self.first_error = ""
        self._batches = 0
        self._batch: list[tuple[int, Candidate]] = []
        self._results: dict[int, Result] = {}
        self._waiting: deque[int] = deque()
        self.listeners: list[Callable[[], None]] = []
        self._replay(list(events))

    # What the driver calls

    def prepare(self) -> None:
        """Ask for the next batch now, if none is under way."""
        # A batch of which no network can be measured has ended as soon as it is asked.
        while not (self._batch or self._all_asked or self.out_of_time):
            self._ask()

    def take(self, count: int) -> list[Request]:
        """Up to `count` trials to evaluate now; none while a batch is still being evaluated."""
        if self.out_of_time:
            return []
        self.prepare()
        taken = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        candidates = dict(self._batch)
        return [self.request(number, candidates[number]) for number in taken]

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Write what came back, then tell the strategy once the batch is whole."""
        candidates = dict(self._batch)
        results: dict[int, Result] = {}
        events: list[Event] = []
        for outcome in outcomes:
            if outcome.trial not in candidates or outcome.trial in self._results:
                continue  # a retried trial that had been recorded already
            result = self._records.result(candidates[outcome.trial], outcome)
            results[outcome.trial] = result
            self._note_time(outcome.seconds, result)
            events.append(as_event(outcome, result.reward))
        try:
            self._ledger.append(*events)
        except Stop:
            self.stop_wished = True
        for outcome in outcomes:
            if outcome.trial in results:
                self._note(outcome.trial, results[outcome.trial], outcome.error)
                for listener in self.listeners:
                    listener()
        self._close_batch()

    def request(self, number: int, candidate: Candidate) -> Request:
        """The request of one trial; its seed follows from the run's seed and what is asked."""
        return Request(
            number,
            candidate.architecture,
            self._records.seed(candidate),
            stop_below=self._pruning.stop_below(candidate) if self._pruning else (),
            epochs=(candidate.epochs or self._fidelities.whole) if self._fidelities else None,
        )

    @property
    def finished(self) -> bool:
        """Nothing is left to hand out and nothing is awaited."""
        if self.out_of_time:
            return len(self._waiting) == len(self._batch) - len(self._results)
        return not self._batch and self._all_asked

    @property
    def out_of_time(self) -> bool:
        """Whether no further trial is handed out: the time is spent, or a callback says so."""
        return self.stop_wished or (self._budget is not None and self._budget.spent)

    @property
    def done(self) -> int:
        """Trials that ended, failed ones included; of shorter ones what they cost, rounded down."""
        if self._fidelities:
            return int(self._ended_price + _ROUNDING)
        return self.asked - len(self._batch) + len(self._results)

    @property
    def samples(self) -> int:
        """Trials in total."""
        return self._samples

    @property
    def best_line(self) -> str:
        """Best so far, in a few words."""
        more = f", {self.failed} failed" if self.failed else ""
        more += f", {self.stopped} stopped early" if self.stopped else ""
        more += f", {self.shorter} short trainings" if self.shorter else ""
        if self.best is None:
            return f"nothing yet{more}"
        reward, accuracy, candidate = self.best
        costs = f"{format_count(candidate.costs['macs'])} MACs"
        if LATENCY in candidate.costs:
            costs += f", {format_ms(candidate.costs[LATENCY])}"
        return f"best {reward:.4f} (accuracy {accuracy:.4f}, {costs}){more}"

    @property
    def exhausted_line(self) -> str:
        """What all of was evaluated; empty where networks are left."""
        if not self.exhausted:
            return ""
        whole = "cost band" if self._problem.objective.is_banded else "space"
        held = "1 network: it was" if self.asked == 1 else f"{self.asked} networks: all were"
        return f"the {whole} holds {held} evaluated"

    def ranked(self, trials: Sequence[Trial]) -> list[Trial]:
        """The finished ones of a search's trials, best first as the strategy ranks them.

        By reward alone where a stop left a batch that the strategy has not been told. Trainings
        that were given up are not among them.
        """
        by_reward = top(trials, len(trials))
        if self._pruning or self._fidelities:
            by_reward = [trial for trial in by_reward if not trial.partial]
        order = {result.candidate.id: place for place, result in enumerate(self._strategy.ranked())}
        if any(trial.arch_id not in order for trial in by_reward):
            return by_reward
        return sorted(by_reward, key=lambda trial: order[trial.arch_id])

    # One batch

    @property
    def _all_asked(self) -> bool:
        return self._spent + _ROUNDING >= self._samples or self._nothing_fits or self.exhausted

    def _ask(self) -> None:
        # A whole batch is asked for even where only a part of it is wanted, so that the same
        # networks come again if the search is resumed with more samples.
        proposed = self._strategy.ask(self._batch_size)
        fitting = self._fitting(proposed)
        self._nothing_fits = bool(proposed) and not fitting
        if self._fidelities:  # a resumed search knows nothing of what was too dear
            dropped = {one.key for one in proposed} - {one.key for one in fitting}
            self._strategy.seen.difference_update(dropped)
        left = self._samples - self._spent - sum(map(self._price, fitting))
        self.exhausted = len(fitting) == len(proposed) < self._batch_size and left > _ROUNDING
        candidates = self._measured(fitting)
        numbered = list(enumerate(candidates, start=self.asked))
        now = time.time()
        asked = (self._records.asked(n, self._batches, found, now) for n, found in numbered)
        self._ledger.append(*asked)
        self._open_batch(numbered)
        self._end_at_once()

    def _price(self, candidate: Candidate) -> float:
        """In whole trainings."""
        return self._fidelities.price(candidate.epochs) if self._fidelities else 1.0

    def _fitting(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Those of a batch, in their order, that what is left of the samples pays for."""
        left = self._samples - self._spent + _ROUNDING
        found = []
        for candidate in candidates:
            if self._price(candidate) <= left:
                left -= self._price(candidate)
                found.append(candidate)
        return found

    def _measured(self, candidates: list[Candidate]) -> list[Candidate]:
        return self._first_measured.measured(candidates) if self._first_measured else candidates

    def _end_at_once(self) -> None:
        """Record the trials of the batch that need no evaluation."""
        self._fail_unmeasured()
        waiting = [(n, candidate) for n, candidate in self._batch if n in self._waiting]
        known = {n: self._known[one.key] for n, one in waiting if one.key in self._known}
        if not known:
            return
        self._waiting = deque(n for n, _ in waiting if n not in known)
        here = worker_name()
        self.record([Outcome(n, dict(found), None, "", 0.0, here) for n, found in known.items()])

    def _fail_unmeasured(self) -> None:
        """Record the trials of the batch as failed whose networks could not be measured."""
        if self._first_measured is None:
            return
        waiting = [(n, candidate) for n, candidate in self._batch if n in self._waiting]
        found = {number: self._first_measured.why_not(one) for number, one in waiting}
        causes = {number: cause for number, cause in found.items() if cause is not None}
        if not causes:
            return
        self._waiting = deque(number for number, _ in waiting if number not in causes)
        here = worker_name()
        self.record([Outcome(n, None, "error", cause, 0.0, here) for n, cause in causes.items()])

    def _open_batch(self, numbered: list[tuple[int, Candidate]]) -> None:
        self._batch = numbered
        self._results = {}
        self._waiting = deque(number for number, _ in numbered)
        self.asked += len(numbered)
        self._spent += sum(self._price(candidate) for _, candidate in numbered)

    def _close_batch(self) -> None:
        if not self._batch or len(self._results) < len(self._batch):
            return
        self._strategy.tell(self._whole_batch())
        self._batch, self._results = [], {}
        self._batches += 1

    def _whole_batch(self) -> list[Result]:
        """What the strategy is told of the batch, in the order asked."""
        results = [self._results[number] for number, _ in self._batch]
        return self._pruning.take_in(results) if self._pruning else results

    def _note_time(self, seconds: float, result: Result) -> None:
        """Take in how long a whole training takes, for a budget; not one given up."""
        candidate = result.candidate
        given_up = result.partial and candidate.epochs is None
        if self._budget is not None and result.reward is not None and not given_up:
            self._budget.note(seconds / self._price(candidate), candidate.costs["macs"])

    def _note(self, number: int, result: Result, error: str) -> None:
        self._results[number] = result
        self._ended_price += self._price(result.candidate)
        if result.candidate.epochs is not None:
            self.shorter += 1
        if result.reward is None or result.accuracy is None:
            self.failed += 1
            self.first_error = self.first_error or error
        elif result.partial:
            self.stopped += result.candidate.epochs is None
        elif self.best is None or result.reward > self.best[0]:
            self.best = (result.reward, result.accuracy, result.candidate)

    # Resuming

    def _replay(self, events: list[Event]) -> None:
        asked: dict[int, list[Asked]] = {}
        ended: dict[int, Told | Failed] = {}
        for event in events:
            if isinstance(event, Asked):
                asked.setdefault(event.batch, []).append(event)
            else:
                ended[event.trial] = event
        for number, batch in sorted(asked.items()):
            if not any(event.trial in ended for event in batch):
                batch = self._reask(number, batch)
            self._open_batch([(event.trial, self._records.candidate(event)) for event in batch])
            for event, (_, candidate) in zip(batch, self._batch, strict=True):
                if event.trial in ended:
                    result, error = self._records.recorded_result(candidate, ended[event.trial])
                    self._note(event.trial, result, error)
                    self._note_time(ended[event.trial].seconds, result)
            self._waiting = deque(n for n, _ in self._batch if n not in self._results)
            if len(self._results) < len(self._batch):
                self._strategy.seen.update(candidate.key for _, candidate in self._batch)
                continue
            self._strategy.replay(self._whole_batch())
            self._batch, self._results = [], {}
            self._batches += 1
        self._end_at_once()

    def _reask(self, number: int, recorded: list[Asked]) -> list[Asked]:
        """The last batch, of which nothing came back: its lines may have been cut off.

        The strategy is a function of seed and history, so it asks for the same again. One that
        asks for others has changed since the run began: what the ledger says was asked stays, and
        what is lacking comes from the strategy as it is.
        """
        for event in recorded:
            if event.seed != self._records.seed(self._records.candidate(event)):
                raise InputError(
                    f"batch {number} of {self._ledger.path} does not follow from the run's seed: "
                    "restore run.json or the ledger from a copy, or start a new run"
                )
        again = self._strategy.ask(self._batch_size)
        asked = [self._records.candidate(event) for event in recorded]
        kept = self._fitting(again)
        if [one.key for one in kept[: len(asked)]] != [one.key for one in asked]:
            known = {one.key for one in asked}
            others = [one for one in again if one.key not in known]
            kept = self._fitting([*asked, *others])
            held = {one.key for one in kept}
            self._strategy.seen.difference_update(one.key for one in others if one.key not in held)
            self._strategy.seen.update(known)
        now = time.time()
        lacking = self._measured(kept[len(asked) :])
        missing = [
            self._records.asked(number, self._batches, candidate, now)
            for number, candidate in enumerate(lacking, start=self.asked + len(recorded))
        ]
        if missing:
            self._ledger.append(*missing)
        return recorded + missing

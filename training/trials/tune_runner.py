"""Ray Tune runs a queue of trials; the queue, not Ray's experiment state, is its memory.

A Tune trial evaluates one architecture, or several where an evaluation is cheap. Its actor is
reused from trial to trial and keeps the evaluator in a child process (`training.trials.isolation`).
"""

import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

os.environ |= {
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Ctrl-C must reach us: Tune's own handler would end fit() as if all were done.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # Tune rewrites its whole state at every snapshot, and nobody reads it here.
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    # A trial without a GPU must not see one, or it would use what is not its own.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}

from ray import tune
from ray.tune import Callback
from ray.tune.search import Searcher

from effsearch.results.store.scratch import scratch_folder
from effsearch.search_spaces.errors import EffsearchError
from effsearch.search_spaces.notation import format_architecture, parse_stored
from effsearch.training.trials.cluster import Session
from effsearch.training.trials.evaluator import Evaluator, Request
from effsearch.training.trials.isolation import IsolatedEvaluator
from effsearch.training.trials.outcome import Outcome, failure
from effsearch.training.trials.trial_queue import TrialQueue

TRIALS_PER_FIT = 1000
"""Tune keeps every trial it has run in memory, so a long queue is several fits."""

RETRIES = 3
"""Times trials are run again whose actor or node was lost."""

FIRST_FAILURES = 3
"""Trials that may fail to start, before any has started, until the queue is given up."""


def run_trials(
    queue: TrialQueue,
    evaluator: Evaluator,
    session: Session,
    *,
    per_trial: int,
    timeout: float | None,
) -> None:
    """Run a queue to its end.

    Args:
        queue: the trials; results are recorded in it as they come.
        evaluator: goes to each worker once.
        session: from `ray_session`.
        per_trial: architectures in one Tune trial.
        timeout: seconds one architecture may take; None for no limit.

    Raises:
        EffsearchError: Ray Tune itself failed, or no trial could be started.
    """
    trainable = tune.with_resources(
        tune.with_parameters(
            EvaluationTrial,
            evaluator=pickle.dumps(evaluator),
            batched=evaluator.batched,
            timeout=timeout,
            threads=session.cpus_per_trial,
        ),
        {"cpu": session.cpus_per_trial, "gpu": session.gpus_per_trial},
    )
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(session.workers)
    with scratch_folder("tune") as storage:
        starts = _Starts()
        while not queue.finished:
            _fit(trainable, QueueSearcher(queue, per_trial, starts), session.workers, str(storage))


class EvaluationTrial(tune.Trainable):
    """One Tune trial: evaluates the requests in its config in one step."""

    def setup(
        self,
        config: dict[str, Any],
        evaluator: bytes = b"",
        batched: bool = False,
        timeout: float | None = None,
        threads: int = 1,
    ) -> None:
        self._isolated = IsolatedEvaluator(
            evaluator, batched=batched, timeout=timeout, threads=threads
        )
        self._requests = config["requests"]

    def step(self) -> dict[str, Any]:
        requests = [
            Request(number, parse_stored(notation), *rest)
            for number, notation, *rest in self._requests
        ]
        return {"outcomes": self._isolated.evaluate(requests), "done": True}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._requests = new_config["requests"]
        return True

    def cleanup(self) -> None:
        self._isolated.close()


@dataclass(frozen=True)
class _Group:
    """What one Tune trial evaluates, and how often its worker was lost."""

    requests: list[Request]
    losses: int = 0


class _Starts:
    """Watches whether trials start at all: what stops the first few will stop every one."""

    def __init__(self) -> None:
        self._any = False
        self._failed = 0

    def check(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of outcomes that were recorded.

        Raises:
            EffsearchError: none has ever started.
        """
        self._any = self._any or any(outcome.started for outcome in outcomes)
        self._failed += len(outcomes)
        if not self._any and self._failed >= FIRST_FAILURES:
            raise EffsearchError(f"no trial could be started: {outcomes[-1].error}")


class QueueSearcher(Searcher):
    """Tune's searcher over a `TrialQueue`. Argument names are Tune's: it calls by name."""

    def __init__(self, queue: TrialQueue, per_trial: int, starts: _Starts) -> None:
        super().__init__()
        self._queue = queue
        self._starts = starts
        self._per_trial = per_trial
        self._groups: dict[str, _Group] = {}
        self._lost: list[_Group] = []
        self._given = 0
        self.error: Exception | None = None

    def suggest(self, trial_id: str) -> Any:  # a config, None for "not now", or FINISHED
        if self.error:
            return Searcher.FINISHED
        try:
            group = self._lost.pop(0) if self._lost else self._next_group()
            over = self._given >= TRIALS_PER_FIT or self._queue.finished
        except Exception as error:  # Tune would wrap it in a text of its own
            self.error = error
            return Searcher.FINISHED
        if group is None:
            # What is still running may be lost, and then has to be given again.
            return Searcher.FINISHED if over and not self._groups else None
        self._groups[trial_id] = group
        self._given += 1
        return {
            "requests": [
                (
                    request.trial,
                    format_architecture(request.architecture),
                    request.seed,
                    request.resolution,
                    request.stop_below,
                    request.epochs,
                )
                for request in group.requests
            ]
        }

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        if error:
            return  # `lose` follows and knows the cause
        self._groups.pop(trial_id, None)
        self._record((result or {}).get("outcomes", []))

    def lose(self, trial_id: str, cause: str) -> None:
        """Run trials again whose actor or node was lost; fail them where that does not help."""
        group = self._groups.pop(trial_id)
        if group.losses < RETRIES:
            self._lost.append(_Group(group.requests, group.losses + 1))
            return
        text = f"worker lost {group.losses + 1} times: {cause}"
        self._record(
            [
                replace(failure(request, "error", text, 0.0), started=False)
                for request in group.requests
            ]
        )

    def _next_group(self) -> "_Group | None":
        if self._given >= TRIALS_PER_FIT:
            return None
        requests = self._queue.take(self._per_trial)
        return _Group(requests) if requests else None

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        try:
            self._queue.record(outcomes)
            if outcomes:
                self._starts.check(outcomes)
        except Exception as problem:
            self.error = problem

    def __reduce__(self) -> tuple[Any, ...]:
        """Tune pickles its searcher to restore a run that nobody restores: leave the queue out,
        whose listeners (a terminal's progress bar) cannot be pickled."""
        return Searcher, ()

    def save(self, checkpoint_path: str) -> None:
        """Nothing: a queue keeps its own record."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a queue keeps its own record."""


class LostTrials(Callback):
    """Tells the searcher of trials whose actor or node was lost."""

    def __init__(self, searcher: QueueSearcher) -> None:
        self._searcher = searcher

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._searcher.lose(str(trial.trial_id), _cause(trial))


def _cause(trial: Any) -> str:
    """Why Tune lost a trial: the last line of its error, which may not unpickle here."""
    try:
        error = trial.get_pickled_error() or trial.get_error()
    except Exception:
        error = trial.get_error()
    lines = str(error or "the worker's process ended").strip().splitlines()
    return lines[-1].strip()[:300]


def _fit(trainable: Any, searcher: QueueSearcher, workers: int, storage: str) -> None:
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            num_samples=-1,
            max_concurrent_trials=workers,
            reuse_actors=True,
            trial_name_creator=_trial_name,
            trial_dirname_creator=_trial_name,
        ),
        run_config=tune.RunConfig(
            storage_path=storage,
            verbose=0,
            # Not Tune's own retries: they leave out a trial whose actor was not up yet.
            failure_config=tune.FailureConfig(max_failures=0),
            callbacks=[LostTrials(searcher)],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    try:
        tuner.fit()
    except tune.TuneError as error:
        raise EffsearchError(f"Ray Tune failed: {error}") from error
    if searcher.error:
        raise searcher.error


def _trial_name(trial: Any) -> str:
    return str(trial.trial_id)  # not the whole config

"""Ray Tune runs the trials of a search; the ledger, not Ray's experiment state, is its memory.

A Tune trial evaluates one architecture, or several where an evaluation is cheap. Its actor is
reused from trial to trial and keeps the evaluator in a child process (see `nas.isolation`).
"""

import logging
import os
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

import ray
from ray import tune
from ray.tune.search import Searcher

from nas.evaluators.base import Evaluator, Request
from nas.isolation import IsolatedEvaluator
from nas.outcome import Outcome, failure
from nas.search import Search
from search_spaces.errors import EffsearchError, MissingResourceError
from search_spaces.notation import format_architecture, parse_architecture

TRIALS_PER_FIT = 1000
"""Tune keeps every trial it has run in memory, so a long search is several fits."""

TRIALS_PER_GPU = 4

RETRIES = 3
"""Times a trial is run again whose actor or node was lost."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the trials may use.

    Attributes:
        workers: trials at a time; None for one a CPU, or four a GPU where trials use GPUs.
        cpus_per_trial: CPU cores, and threads, of one trial.
        gpus_per_trial: GPUs of one trial, fractions allowed; None for none.
        address: of a Ray cluster; None starts Ray on this machine.
        shares_gpus: trials that were given no `gpus_per_trial` share the GPUs there are.
    """

    workers: int | None = None
    cpus_per_trial: int = 1
    gpus_per_trial: float | None = None
    address: str | None = None
    shares_gpus: bool = False


@dataclass(frozen=True)
class Session:
    """A running Ray: how many trials at a time, and what each of them takes."""

    workers: int
    cpus_per_trial: int
    gpus_per_trial: float


@contextmanager
def cluster(resources: Resources) -> Iterator[dict[str, float]]:
    """Start or join Ray and yield what it has, by resource name.

    Raises:
        MissingResourceError: no cluster answers at the address.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    owned = not ray.is_initialized()
    if owned:
        _start_ray(resources)
    try:
        have: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        yield have
    finally:
        if owned:
            ray.shutdown()


@contextmanager
def ray_session(resources: Resources) -> Iterator[Session]:
    """Start or join Ray and see what fits.

    Raises:
        MissingResourceError: no such cluster, or it lacks the GPUs or CPUs of a single trial.
    """
    with cluster(resources) as have:
        yield _fit_resources(resources, have)


def run_search(
    search: Search,
    evaluator: Evaluator,
    session: Session,
    *,
    per_trial: int,
    timeout: float | None,
) -> None:
    """Run a search to its end.

    Args:
        search: the search; results are recorded in it as they come.
        evaluator: goes to each worker once.
        session: from `ray_session`.
        per_trial: architectures in one Tune trial.
        timeout: seconds one architecture may take; None for no limit.

    Raises:
        EffsearchError: Ray Tune itself failed.
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
    with tempfile.TemporaryDirectory(prefix="effsearch-tune-") as storage:
        while not search.finished:
            _fit(trainable, SearchBridge(search, per_trial), session.workers, storage)


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
            Request(number, parse_architecture(notation), seed)
            for number, notation, seed in self._requests
        ]
        return {"outcomes": self._isolated.evaluate(requests), "done": True}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._requests = new_config["requests"]
        return True

    def cleanup(self) -> None:
        self._isolated.close()


class SearchBridge(Searcher):
    """Tune's searcher interface over a `Search`. Argument names are Tune's: it calls by name."""

    def __init__(self, search: Search, per_trial: int) -> None:
        super().__init__()
        self._search = search
        self._per_trial = per_trial
        self._groups: dict[str, list[Request]] = {}
        self._given = 0
        self.error: Exception | None = None

    def suggest(self, trial_id: str) -> Any:  # a config, None for "not now", or FINISHED
        if self._given >= TRIALS_PER_FIT or self.error:
            return Searcher.FINISHED
        try:
            requests = self._search.take(self._per_trial)
        except Exception as error:  # Tune would wrap it in a text of its own
            self.error = error
            return Searcher.FINISHED
        if not requests:
            return Searcher.FINISHED if self._search.finished else None
        self._groups[trial_id] = requests
        self._given += 1
        return {
            "requests": [
                (request.trial, format_architecture(request.architecture), request.seed)
                for request in requests
            ]
        }

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        requests = self._groups.pop(trial_id, [])
        outcomes: Sequence[Outcome] = (result or {}).get("outcomes", [])
        if error or not outcomes:
            outcomes = [
                failure(request, "error", f"worker lost {RETRIES + 1} times", 0.0)
                for request in requests
            ]
        try:
            self._search.record(outcomes)
        except Exception as problem:
            self.error = problem

    def save(self, checkpoint_path: str) -> None:
        """Nothing: a search is resumed from its ledger."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a search is resumed from its ledger."""


def _fit(trainable: Any, searcher: SearchBridge, workers: int, storage: str) -> None:
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
            failure_config=tune.FailureConfig(max_failures=RETRIES),
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


def _start_ray(resources: Resources) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if resources.address is None:
        cores = os.cpu_count() or 1
        wanted = (resources.workers or 1) * resources.cpus_per_trial
        ray.init(include_dashboard=False, num_cpus=max(cores, wanted), **quiet)
        return
    try:
        ray.init(address=resources.address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise MissingResourceError(
            f"no Ray cluster answers at '{resources.address}': {str(error).splitlines()[0]}"
        ) from None


def _fit_resources(resources: Resources, have: dict[str, float]) -> Session:
    """How many trials fit, by what was asked for and what the cluster has."""
    cpus, gpus = have.get("CPU", 0.0), have.get("GPU", 0.0)
    wanted = resources.gpus_per_trial
    if wanted and wanted > gpus:
        raise MissingResourceError(
            f"a trial wants {wanted:g} GPU but Ray sees {gpus:g}: "
            "leave --gpus-per-trial out to train on the CPU"
        )
    if resources.cpus_per_trial > cpus:
        raise MissingResourceError(
            f"a trial wants {resources.cpus_per_trial} CPUs but Ray sees {cpus:g}"
        )
    fitting = int(cpus // resources.cpus_per_trial)
    if wanted is None and gpus and resources.shares_gpus:
        # Small networks leave most of a GPU idle, so several trials share one.
        fitting = min(fitting, resources.workers or int(TRIALS_PER_GPU * gpus))
        wanted = min(1.0, int(gpus / fitting * 1e4) / 1e4)
    if wanted:
        fitting = min(fitting, int(gpus / wanted + 1e-9))
    return Session(
        max(1, min(resources.workers or fitting, fitting)), resources.cpus_per_trial, wanted or 0.0
    )

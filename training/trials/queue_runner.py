"""Queues of trials on one Ray, which starts with the first queue that needs it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

from effsearch.results.lifecycle import say
from effsearch.training.trials.budget import Budget
from effsearch.training.trials.evaluator import Evaluator, Request
from effsearch.training.trials.gpus import check_gpus
from effsearch.training.trials.options import ClusterOptions
from effsearch.training.trials.progress import Followed
from effsearch.training.trials.trial_queue import TrialQueue

if TYPE_CHECKING:
    from effsearch.training.trials.cluster import Resources, Session


class Queue(TrialQueue, Followed, Protocol):
    """What can be run to its end and followed."""

    def prepare(self) -> None:
        """Find the next trial, so that `finished` says whether there is one."""


RunQueue = Callable[[Queue, Evaluator, str], None]


@contextmanager
def queue_runner(
    machine: ClusterOptions,
    quiet: bool,
    *,
    typical: Callable[[], Request],
    trains: bool = True,
    per_trial: Callable[[int], int] = lambda workers: 1,
    budget: Budget | None = None,
) -> Iterator[RunQueue]:
    """Yield what runs a queue to its end with a title.

    Args:
        machine: where the trials run.
        quiet: show no progress.
        typical: a training by which to find out how many share a GPU, where that is asked for.
        trains: the trials use a GPU where there is one.
        per_trial: networks in one Tune trial, from the number of workers; called once.
        budget: told of what trials have at a time.

    Raises:
        MissingResourceError: no such cluster, or it lacks what a trial needs.
    """
    session: Session | None = None
    tries = trains and machine.gpus_per_trial == "auto"
    networks = 1
    with ExitStack() as ray:

        def run_queue(queue: Queue, evaluator: Evaluator, title: str) -> None:
            nonlocal session, networks
            queue.prepare()
            if queue.finished:
                return
            # They import Ray, in seconds.
            from effsearch.training.trials.cluster import ray_session
            from effsearch.training.trials.progress import progress
            from effsearch.training.trials.tune_runner import run_trials

            if session is None:
                resources = _resources(machine, trains)
                if tries and not evaluator.cheap:
                    session = ray.enter_context(_tried(resources, evaluator, typical, quiet))
                else:
                    session = ray.enter_context(ray_session(resources))
                if budget is not None:
                    budget.use(session.workers, session.gpus_per_trial)
                networks = per_trial(session.workers)
            with progress(queue, title, quiet):
                run_trials(
                    queue, evaluator, session, per_trial=networks, timeout=machine.trial_timeout
                )

        yield run_queue


@contextmanager
def _tried(
    resources: "Resources", evaluator: Evaluator, typical: Callable[[], Request], quiet: bool
) -> "Iterator[Session]":
    """A session whose trials have the share of a GPU that gives the most trainings an hour."""
    from effsearch.training.trials.sharing import shared_session  # imports Ray

    say("trying how many trainings share a GPU", quiet)
    with shared_session(resources, evaluator, typical()) as (session, sharing):
        say(str(sharing), quiet)
        yield session


def _resources(machine: ClusterOptions, trains: bool) -> "Resources":
    from effsearch.training.trials.cluster import Resources

    return Resources(
        workers=machine.workers,
        cpus_per_trial=machine.cpus_per_trial,
        gpus_per_trial=None if machine.gpus_per_trial == "auto" else machine.gpus_per_trial,
        address=machine.ray_address,
        shares_gpus=trains and machine.device in ("auto", "cuda"),
    )


def check_device(machine: ClusterOptions) -> None:
    """Say that a GPU is missing before anything is loaded.

    Raises:
        MissingResourceError: there are fewer GPUs here than a training wants.
    """
    check_gpus(machine.gpus_per_trial, machine.device, machine.ray_address)

"""What the grid and the comparison share of running trainings in a run directory."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from gridsearch.trainings import Trainings
from results.directory import resume_command
from results.run import Run
from search_spaces.errors import EffsearchError, InputError, Interrupted
from training.trials.evaluator import Evaluator
from training.trials.gpus import check_gpus

RunQueue = Callable[[Trainings, Evaluator, str], None]


class Machine(Protocol):
    """Where trainings run: attributes of `CoefficientsConfig` and `ComparisonConfig`."""

    @property
    def workers(self) -> int | None: ...
    @property
    def cpus_per_trial(self) -> int: ...
    @property
    def gpus_per_trial(self) -> float | None: ...
    @property
    def trial_timeout(self) -> float | None: ...
    @property
    def device(self) -> str: ...
    @property
    def ray_address(self) -> str | None: ...


@contextmanager
def queue_runner(machine: Machine, quiet: bool) -> Iterator[RunQueue]:
    """Yield what runs a queue to its end with a title; Ray starts with the first that needs it.

    Raises:
        MissingResourceError: no such cluster, or it lacks what a training needs.
    """
    from training.trials.cluster import Resources, Session, ray_session
    from training.trials.progress import progress
    from training.trials.tune_runner import run_trials

    session: Session | None = None
    resources = Resources(
        workers=machine.workers,
        cpus_per_trial=machine.cpus_per_trial,
        gpus_per_trial=machine.gpus_per_trial,
        address=machine.ray_address,
        shares_gpus=machine.device in ("auto", "cuda"),
    )
    with ExitStack() as ray:

        def run_queue(queue: Trainings, evaluator: Evaluator, title: str) -> None:
            nonlocal session
            queue.prepare()
            if queue.finished:
                return
            if session is None:
                session = ray.enter_context(ray_session(resources))
            with progress(queue, title, quiet):
                run_trials(queue, evaluator, session, per_trial=1, timeout=machine.trial_timeout)

        yield run_queue


@contextmanager
def ending_recorded(run: Run, command: str, config: Mapping[str, Any]) -> Iterator[None]:
    """Record how a run ends whatever happens in the block, and the settings it ended with.

    Raises:
        Interrupted: Ctrl-C; it names the command that resumes.
    """
    try:
        yield
    except KeyboardInterrupt:
        run.finish("interrupted", config=config)
        raise Interrupted(
            f"stopped; nothing finished is lost. Go on with: {resume_command(run.path, command)}"
        ) from None
    except EffsearchError as error:
        status = "infeasible" if error.exit_code == 3 else "failed"
        run.finish(status, config=config, error=str(error))
        raise
    run.finish("finished", config=config)


def check_device(machine: Machine) -> None:
    """Say that a GPU is missing before anything is loaded.

    Raises:
        MissingResourceError: there are fewer GPUs here than a training wants.
    """
    check_gpus(machine.gpus_per_trial, machine.device, machine.ray_address)


def refuse_changes(run: Run, keys: Sequence[str]) -> None:
    """Raise an InputError if a resumption differs from its run in any key."""
    if keys:
        raise InputError(
            f"run {run.reference} was started with another {', '.join(keys)}: "
            "resume it as it was, or start a new run"
        )


def say(line: str, quiet: bool) -> None:
    """Talk on stderr."""
    if line and not quiet:
        print(line, file=sys.stderr, flush=True)

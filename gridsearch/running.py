"""What the grid and the comparison share of running trainings in a run directory."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from effsearch.gridsearch.trainings import Trainings
from effsearch.training.trials.evaluator import Evaluator
from effsearch.training.trials.gpus import check_gpus
from effsearch.training.trials.options import ClusterOptions

RunQueue = Callable[[Trainings, Evaluator, str], None]


@contextmanager
def queue_runner(machine: ClusterOptions, quiet: bool) -> Iterator[RunQueue]:
    """Yield what runs a queue to its end with a title; Ray starts with the first that needs it.

    Raises:
        MissingResourceError: no such cluster, or it lacks what a training needs.
    """
    from effsearch.training.trials.cluster import Resources, Session, ray_session
    from effsearch.training.trials.progress import progress
    from effsearch.training.trials.tune_runner import run_trials

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


def check_device(machine: ClusterOptions) -> None:
    """Say that a GPU is missing before anything is loaded.

    Raises:
        MissingResourceError: there are fewer GPUs here than a training wants.
    """
    check_gpus(machine.gpus_per_trial, machine.device, machine.ray_address)

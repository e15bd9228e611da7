"""Ray Tune runs the trials of a search; the ledger, not Ray's experiment state, is its memory."""

from nas.search import Search
from training.trials.cluster import Resources, Session, cluster, ray_session
from training.trials.evaluator import Evaluator
from training.trials.tune_runner import run_trials

__all__ = ["Resources", "Session", "cluster", "ray_session", "run_search"]


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
    run_trials(search, evaluator, session, per_trial=per_trial, timeout=timeout)

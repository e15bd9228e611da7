"""The Optuna study of a grid: one trial a triple, enqueued by one leader, told by it.

The ledger holds what was measured; the study is what people look at (`optuna-dashboard
sqlite:///…/study.db`, while it runs too) and decides what comes next. Opened again, it is brought
in line with the ledger: trials that ran when their process ended are failed and retried, and
triples that are missing are enqueued.
"""

import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from effsearch.gridsearch.candidates import Candidate
from effsearch.gridsearch.grid import Grid, Triple
from effsearch.results.store.secrets import hide_secrets
from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.training.trials.jobs import Job, Measured

if TYPE_CHECKING:
    import optuna

GRID_KEY = "effsearch_grid"
# Optuna reads all waiting trials at every `ask`: ten thousand of them take a second and more.
ENQUEUED_TOGETHER = 200


class Repaired(NamedTuple):
    """What a study lacked: trials retried, and triples that are not in it, in grid order."""

    retried: int
    missing: list[Triple]


class StudySource:
    """Names the networks of a study's waiting trials, and tells the trials what was measured.

    Triples that round to one network run and end together.

    Args:
        study: from `open_study`, in line with the ledger.
        missing: triples to enqueue, from `bring_in_line`.
        grid: bounds of the parameters.
        candidates: the networks of all triples.
        resolutions: pixels each network is trained at, by its id.
    """

    def __init__(
        self,
        study: "optuna.Study",
        missing: Iterable[Triple],
        grid: Grid,
        candidates: Sequence[Candidate],
        resolutions: Mapping[str, int],
    ) -> None:
        from optuna.trial import TrialState

        self._study = study
        self._missing = deque(missing)
        self._distributions = _distributions(grid)
        self._candidates = {
            triple: candidate for candidate in candidates for triple in candidate.triples
        }
        self._resolutions = resolutions
        self._left = len(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))
        self._running: dict[str, list[optuna.Trial]] = {}
        self._known: dict[str, Measured] = {}
        self._enqueue()

    def next(self) -> Job | None:
        """The network of the next waiting trial that is not under way or known already."""
        while self._left or self._enqueue():
            self._left -= 1
            trial = self._study.ask(self._distributions)
            candidate = self._candidates.get(_triple(trial.params))
            if candidate is None:  # someone else enqueued it, by hand or on the dashboard
                self._fail(trial, "not on the grid")
            elif candidate.id in self._known:
                self._finish(trial, self._known[candidate.id])
            elif candidate.id in self._running:
                self._running[candidate.id].append(trial)
            else:
                self._running[candidate.id] = [trial]
                return Job(
                    architecture=candidate.architecture,
                    resolution=self._resolutions[candidate.id],
                    label=tuple(candidate.triple),
                )
        return None

    def tell(self, arch_id: str, measured: Measured) -> None:
        """End every trial that waits for this network; later ones get the same."""
        self._known[arch_id] = measured
        for trial in self._running.pop(arch_id, []):
            self._finish(trial, measured)

    def _enqueue(self) -> bool:
        """Enqueue the next of the missing triples; False where there are none."""
        count = min(len(self._missing), ENQUEUED_TOGETHER)
        for _ in range(count):
            triple = self._missing.popleft()
            attributes = _attributes(triple, self._candidates[triple])
            # skip_if_exists would compare with every trial each time; `bring_in_line` has done it.
            self._study.enqueue_trial(_parameters(triple), user_attrs=attributes)
        self._left += count
        return count > 0

    def _finish(self, trial: "optuna.Trial", measured: Measured) -> None:
        from optuna.trial import TrialState

        if measured.errors:
            self._fail(trial, measured.errors[0])
            return
        for epoch, accuracy in enumerate(_mean_curve(measured.curves), start=1):
            trial.report(accuracy, epoch)
        if measured.stopped:
            self._study.tell(trial, state=TrialState.PRUNED)
            return
        trial.set_user_attr("accuracies", measured.scores)
        self._study.tell(trial, measured.mean)

    def _fail(self, trial: "optuna.Trial", why: str) -> None:
        from optuna.trial import TrialState

        trial.set_user_attr("error", why)
        self._study.tell(trial, state=TrialState.FAIL)


def open_study(url: str, name: str, identity: str) -> "optuna.Study":
    """Open or make a study.

    Args:
        url: of any database that Optuna knows, `sqlite:///…/study.db`.
        name: of the study in it.
        identity: what its grid is; another one is refused.

    Raises:
        InputError: the study there belongs to another grid, or this is not a database URL.
        MissingResourceError: the database does not answer.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with _database_errors(url):
        study = optuna.create_study(
            storage=_storage(url), study_name=name, direction="maximize", load_if_exists=True
        )
    known = study.user_attrs.get(GRID_KEY)
    if known is None:
        study.set_user_attr(GRID_KEY, identity)
    elif known != identity:
        raise InputError(
            f"study '{name}' in {hide_secrets(url)} belongs to another grid ({known}): "
            "resume the run it belongs to, or start a new run"
        )
    return study


def check_storage(url: str) -> None:
    """See whether a database answers, before a run is made for it.

    Raises:
        InputError: this is not a database URL.
        MissingResourceError: it does not answer, or its driver is not installed.
    """
    with _database_errors(url):
        _storage(url).engine.dispose()


@contextmanager
def _database_errors(url: str) -> Iterator[None]:
    import optuna
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        make_url(url)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        raise InputError(
            f"'{hide_secrets(url)}' is not a database URL: give one such as "
            "sqlite:///study.db or postgresql://user:password@host/name"
        ) from None
    try:
        yield
    except (SQLAlchemyError, ImportError, ValueError, optuna.exceptions.OptunaError) as error:
        raise _no_answer(url, error) from None


@contextmanager
def database_at_work(url: str) -> Iterator[None]:
    """While the block runs, a database that fails (a full disk, a server gone) is one line.

    Raises:
        MissingResourceError: it failed. What was measured is in the ledger.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise _no_answer(url, error.__cause__ or error) from None


def _no_answer(url: str, error: BaseException) -> MissingResourceError:
    cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return MissingResourceError(
        f"the study's database {hide_secrets(url)} does not answer: {hide_secrets(cause)}"
    )


def bring_in_line(
    study: "optuna.Study", candidates: Iterable[Candidate], failed: set[str]
) -> Repaired:
    """Retry what a dead process left running, and find what is missing.

    Only the leader may call it: two processes would enqueue the same triples twice.

    Args:
        failed: ids of networks whose failure is on record; they are not tried again.
    """
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import RetryHeartbeatStaleTrialCallback
    from optuna.trial import TrialState

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        retry, retried = RetryHeartbeatStaleTrialCallback(), 0
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        if "fixed_params" in trial.system_attrs:
            retry(study, trial)
            retried += 1
    alive: set[Triple] = set()
    ended: set[Triple] = set()
    for trial in study.get_trials(deepcopy=False):
        triple = _triple(trial.params or trial.system_attrs.get("fixed_params", {}))
        (ended if trial.state == TrialState.FAIL else alive).add(triple)
    missing = [
        triple
        for candidate in candidates
        for triple in candidate.triples
        if triple not in alive and not (triple in ended and candidate.id in failed)
    ]
    return Repaired(retried, missing)


def _storage(url: str) -> "optuna.storages.RDBStorage":
    import optuna
    from sqlalchemy import event

    if not url.startswith("sqlite"):
        return optuna.storages.RDBStorage(url)
    storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}})

    # The ledger survives a power cut, so the study need not: an enqueue takes 5 ms, not 40.
    def relax(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(storage.engine, "connect", relax)
    storage.engine.dispose()
    return storage


def _distributions(grid: Grid) -> "dict[str, optuna.distributions.BaseDistribution]":
    from optuna.distributions import FloatDistribution

    ranges = {
        "alpha": grid.values(grid.alpha),
        "beta": grid.values(grid.beta),
        "gamma": grid.values(grid.gamma),
    }
    return {
        name: FloatDistribution(values[0] / 100, values[-1] / 100, step=grid.step / 100)
        for name, values in ranges.items()
    }


def _parameters(triple: Triple) -> dict[str, float]:
    return {name: value / 100 for name, value in triple._asdict().items()}


def _triple(parameters: Mapping[str, Any]) -> Triple:
    try:
        return Triple(*(round(100 * float(parameters[name])) for name in Triple._fields))
    except (KeyError, TypeError, ValueError):
        return Triple(0, 0, 0)


def _attributes(triple: Triple, candidate: Candidate) -> dict[str, Any]:
    return {
        "network": candidate.id,
        "product": float(triple.product),
        "measured_ratio": candidate.measured_ratio,
        "macs": candidate.cost.macs,
        "params": candidate.cost.params,
    }


def _mean_curve(curves: Sequence[Sequence[float]]) -> list[float]:
    """Mean accuracy by epoch over the trainings that reached it."""
    longest = max((len(curve) for curve in curves), default=0)
    means = []
    for epoch in range(longest):
        values = [curve[epoch] for curve in curves if len(curve) > epoch]
        means.append(sum(values) / len(values))
    return means

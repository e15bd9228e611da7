"""Reading a run whole, for everything that draws or describes it."""

from collections.abc import Iterator
from contextlib import contextmanager

from effsearch.results.kinds.registry import kind_of
from effsearch.results.store.run import Run
from effsearch.results.store.run_data import RunData
from effsearch.results.store.run_events import run_events, run_targets
from effsearch.results.store.trials import join_trials
from effsearch.search_spaces.errors import InputError


def load_run_data(run: Run) -> RunData:
    """Read everything of a run; a torn last line of its ledger is passed over.

    Raises:
        InputError: the ledger or the answer is corrupt.
    """
    return RunData(
        reference=run.reference,
        path=str(run.path),
        kind=run.kind,
        status=run.status,
        record=run.record,
        targets=run_targets(run),
        trials=tuple(join_trials(run_events(run))),
        answer=run.answer(),
        table=kind_of(run.kind).table,
    )


@contextmanager
def understood(data: RunData) -> Iterator[None]:
    """Within the block a run is shown; what it shows may have been edited or damaged.

    JSON that is whole may still hold a text where a number was, or lack what a sentence needs.

    Raises:
        InputError: something of the run is not of the shape that its kind writes.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as problem:
        said = " ".join(str(problem).split())
        raise InputError(
            f"{data.path} does not read as a {data.kind} run ({type(problem).__name__}: "
            f"{said[:200]}): restore its {data.kind}.json or run.json from a copy"
        ) from problem

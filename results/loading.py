"""Reading a run whole, for everything that draws or describes it."""

from effsearch.results.kinds.registry import kind_of
from effsearch.results.store.run import Run
from effsearch.results.store.run_data import RunData
from effsearch.results.store.run_events import run_events, run_targets
from effsearch.results.store.trials import join_trials


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

"""The events in a run's ledger and what the run searched for, read without judging its kind."""

from collections.abc import Iterable
from typing import Any

from effsearch.results.store.ledger import Event, iterate_events
from effsearch.results.store.run import Run
from effsearch.search_spaces.metrics import METRICS


def run_events(run: Run) -> Iterable[Event]:
    """The events of a run's ledger, one at a time; none where there is no ledger yet.

    Raises:
        InputError: the ledger is corrupt before its last line.
    """
    return iterate_events(run.paths.ledger) if run.paths.ledger.exists() else ()


def run_targets(run: Run) -> dict[str, Any]:
    """What the run searched for, by cost: `targets` of its record, else its settings."""
    recorded = run.record.get("targets")
    if isinstance(recorded, dict):
        return recorded
    settings = {
        metric.name: run.config.get(metric.target) for metric in METRICS.values() if metric.target
    }
    return {metric: value for metric, value in settings.items() if value is not None}

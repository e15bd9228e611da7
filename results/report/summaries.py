"""What a run found, said in words: its kind's sentences after how the run ended, and a title."""

from effsearch.results.kinds.kind import Opening
from effsearch.results.kinds.registry import kind_of
from effsearch.results.store.run_data import RunData

_STATUS = {
    "running": "This {what} is still running: what follows is as of now.",
    "interrupted": "This {what} was stopped before its end: what follows is what it had found.",
    "failed": "This {what} failed",
    "infeasible": "This {what} ended without a network that meets the target",
}


def summary(data: RunData) -> Opening:
    """The opening for a run of any kind, in any state."""
    opening = kind_of(data.kind).opening(data)
    return Opening((*_status(data), *opening.sentences), opening.steps)


def _status(data: RunData) -> list[str]:
    if data.status not in _STATUS:
        return []
    error = data.record.get("error")
    ending = f": {error}" if error and data.status in ("failed", "infeasible") else ""
    said = _STATUS[data.status].format(what=kind_of(data.kind).noun)
    return [said.rstrip(".") + ending + "."]


def heading(data: RunData) -> str:
    """A title such as `baseline/001: 379.7M multiply-adds, 79.57%`."""
    found = kind_of(data.kind).heading(data)
    return f"{data.reference}: {found}" if found else data.reference

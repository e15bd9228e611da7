"""Why trials of a run failed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from effsearch.results.store.trials import Trial


@dataclass(frozen=True, kw_only=True)
class FailureSummary:
    """Failed trials of one reason (`error`, `timeout`, `nan`) and the last error among them."""

    reason: str
    count: int
    example: str


def summarise_failures(trials: Sequence[Trial]) -> list[FailureSummary]:
    """The reasons why trials failed, the most frequent first."""
    failed = [trial for trial in trials if trial.state == "failed"]
    examples = {str(trial.reason): trial.error or "" for trial in failed}
    counted = Counter(str(trial.reason) for trial in failed)
    return [
        FailureSummary(reason=reason, count=count, example=examples[reason])
        for reason, count in counted.most_common()
    ]

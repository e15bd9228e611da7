"""What a search by estimates was worth, told from the trainings of its finalists.

Nothing is believed of a score or of a supernet: their order of the finalists is held against that
of the trainings, and beside it stands what chance would give for so few networks.
"""

from typing import Any

from effsearch.nas.evaluators.zero_cost.worth import as_document, score_worths, worth_of
from effsearch.nas.finalists import Verdict
from effsearch.nas.setup import SearchPlan
from effsearch.search_spaces.notation import parse_stored


def judge_estimates(plan: SearchPlan, verdict: Verdict | None) -> dict[str, Any] | None:
    """Kendall's τ of the search's estimates, and of each zero-cost score, with the finalists'
    trainings; None where the search trained its networks, or no finalist could be."""
    if verdict is None or plan.probe is None:
        return None
    rows = verdict.rows
    accuracies = [float(row["accuracy"]) for row in rows]
    own = worth_of(
        plan.config.evaluator,
        "the search's own order",
        [float(row["search_accuracy"]) for row in rows],
        accuracies,
    )
    networks = [parse_stored(row["notation"]) for row in rows]
    worths = [own, *score_worths(networks, accuracies, plan.probe)]
    return as_document(worths, len(rows))

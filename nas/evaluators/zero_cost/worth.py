"""What scores were worth: how their order of networks agrees with that of trainings."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from effsearch.nas.evaluators.zero_cost.registry import SCORES, score_of
from effsearch.nas.evaluators.zero_cost.score import Probe
from effsearch.search_spaces.architecture import Architecture

FEWEST = 3
"""Networks without which an order says nothing."""


@dataclass(frozen=True, kw_only=True)
class Worth:
    """One way to rank networks, against their trainings.

    Attributes:
        name, label: of the score.
        kendall_tau: 1 for the same order, −1 for the opposite; None with fewer than three
            networks, or where all have one value.
        networks: how many were compared.
    """

    name: str
    label: str
    kendall_tau: float | None
    networks: int


def worth_of(name: str, label: str, values: Sequence[float], accuracies: Sequence[float]) -> Worth:
    """The worth of values that were told of networks whose accuracies are known, in one order."""
    finite = [pair for pair in zip(values, accuracies, strict=True) if math.isfinite(pair[0])]
    tau = None
    if len(finite) >= FEWEST:
        from scipy.stats import kendalltau

        found = float(kendalltau(*zip(*finite, strict=True))[0])
        tau = found if math.isfinite(found) else None
    return Worth(name=name, label=label, kendall_tau=tau, networks=len(finite))


def score_worths(
    networks: Sequence[Architecture],
    accuracies: Sequence[float],
    probe: Probe,
    names: Sequence[str] = SCORES,
) -> list[Worth]:
    """The worth of each score on networks that were trained, the best first."""
    found = []
    for name in names:
        score = score_of(name)
        values = [score.measure(network, probe) for network in networks]
        found.append(worth_of(name, score.label, values, accuracies))
    return sorted(found, key=lambda one: 2.0 if one.kendall_tau is None else -one.kendall_tau)


def as_document(worths: Sequence[Worth], networks: int) -> dict[str, Any]:
    """For an answer's JSON: the worths, of how many networks, and what chance would give."""
    return {
        "networks": networks,
        "chance": chance(networks),
        "rows": [asdict(worth) for worth in worths],
    }


def chance(networks: int) -> float:
    """Standard deviation of Kendall's τ between two orders that have nothing in common.

    Of five networks it is .41, so that a τ of .4 says nothing; of a hundred .07.
    """
    if networks < 2:
        return 1.0
    return math.sqrt(2 * (2 * networks + 5) / (9 * networks * (networks - 1)))

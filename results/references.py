"""An answer beside published networks that were trained under the same conditions, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from effsearch.results.statistics import CONFIDENCE, difference_interval, mean_interval


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A published network, trained as the answer was, and how far the answer is from it.

    Attributes:
        name: of the zoo, or the file it was read from.
        id, notation: of the network.
        macs, params: its costs at its own resolution.
        accuracy, low, high: mean over the seeds and its interval; None with one seed.
        seeds: the accuracy by seed.
        difference: the answer's mean accuracy less this one's, as a fraction.
        difference_low, difference_high: its interval, valid for an answer that was the best of
            several; None where no network was trained with two seeds.
        macs_ratio: the answer's multiply-adds over this one's.
        confidence: of the intervals.
    """

    name: str
    id: str
    notation: str
    macs: float
    params: float
    accuracy: float
    low: float | None
    high: float | None
    seeds: list[float]
    difference: float
    difference_low: float | None
    difference_high: float | None
    macs_ratio: float
    confidence: float = CONFIDENCE

    @property
    def headline(self) -> str:
        """The comparison in one line: `+5.7 points (90%: 4.1 to 7.2) over efficientnet-b0 …`."""
        return headline(asdict(self))

    def to_dict(self) -> dict[str, Any]:
        """For an answer's JSON."""
        return asdict(self) | {"headline": self.headline}


def compare_with_references(
    answer: Sequence[float],
    rivals: Sequence[Sequence[float]],
    macs: float,
    references: Sequence[tuple[str, str, str, Mapping[str, float], Sequence[float]]],
    *,
    others: Sequence[Sequence[float]] = (),
    at_once: int = 1,
) -> list[Reference]:
    """Each reference beside the answer, which was chosen among its rivals by the same trainings.

    Args:
        answer: its accuracy by seed.
        rivals: of every network it was chosen among, itself included; they make the interval of
            the difference as wide as a choice among so many asks for.
        macs: the answer's multiply-adds.
        references: name, id, notation, costs and accuracy by seed of each; at least one seed.
        others: accuracies by seed of more networks, which tell of the noise.
        at_once: differences that are read together; the intervals hold for all of them.
    """
    groups = [*rivals, *(scores for *_, scores in references), *others]
    comparisons = max(at_once, len(rivals))
    found = []
    for name, id, notation, costs, scores in references:
        low, high = mean_interval(scores, groups)
        gap = sum(answer) / len(answer) - sum(scores) / len(scores)
        margin = difference_interval(answer, scores, groups, comparisons=comparisons)
        found.append(
            Reference(
                name=name,
                id=id,
                notation=notation,
                macs=costs["macs"],
                params=costs["params"],
                accuracy=sum(scores) / len(scores),
                low=low,
                high=high,
                seeds=list(scores),
                difference=gap,
                difference_low=None if margin is None else gap - margin,
                difference_high=None if margin is None else gap + margin,
                macs_ratio=macs / costs["macs"],
            )
        )
    return found


def headline(row: Mapping[str, Any]) -> str:
    """A reference of an answer's JSON in one line that claims no more than was measured."""
    points = f"{100 * row['difference']:+.1f} points"
    name, cost = row["name"], _cost(row["macs_ratio"])
    low, high = row["difference_low"], row["difference_high"]
    if low is None or high is None:
        return f"{points} against {name} at {cost}, one training each: no interval"
    interval = f"({row['confidence']:.0%}: {100 * low:.1f} to {100 * high:.1f})"
    if low > 0:
        return f"{points} {interval} over {name} at {cost}"
    if high < 0:
        return f"not better than {name}: {points} {interval} at {cost}"
    return f"no clear difference from {name}: {points} {interval} at {cost}"


def _cost(ratio: float) -> str:
    if abs(ratio - 1) < 0.005:
        return "equal MACs"
    if ratio >= 2:
        return f"{ratio:.1f} times its MACs"
    return f"{abs(ratio - 1):.0%} {'fewer' if ratio < 1 else 'more'} MACs"

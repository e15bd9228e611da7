"""The content of `coefficients.json`, and what it says in words, for a terminal and a report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from effsearch.results.kinds.opening import percent
from effsearch.results.store.answer import Answer

_PREFERENCES = {
    "default": "the cheapest network within one posterior standard deviation of the difference "
    "from the best expected accuracy",
    "accuracy": "the best expected accuracy",
    "efficiency": "the best of expected accuracy · MACs^-0.07",
}
_UNITS = {"layers": "layers", "channels": "channels on average", "resolution": "pixels"}


@dataclass(frozen=True, kw_only=True)
class CoefficientsAnswer(Answer):
    """The content of `coefficients.json`. Accuracies are fractions, MACs those of one image.

    Attributes:
        alpha, beta, gamma: the chosen coefficients; `product` is α·β²·γ².
        phi: the compound exponent that the grid was searched at.
        measured_ratio: of the chosen network's MACs to the baseline's.
        accuracy: mean over `seeds` trainings, by the trainings that `decided_by` names: those of
            the `grid` or the longer ones of its `top`.
        accuracy_interval, confidence, interval_method: of the true accuracy; None where it is not
            known.
        expected, expected_deviation: what the model of the surface says of it.
        prefer: the rule of the choice; `noise` the deviation of one training's accuracy.
        references: one dimension alone at the chosen network's cost (`results.references`).
        conditions: of all accuracies.
        best, ties: the network of the highest mean, and those that a t test cannot tell from it.
        network: id and cost of the chosen one, and all triples that give it.
        grid: its bounds, and how many networks were trained, failed and stopped.
        depends_on: by dimension how much the expected accuracy moves (`gridsearch.sensitivity`).
        surface: the model at every network; None where there is none.
        seeds_each, repeats, pruning, top: how the grid was trained.
        trainings_left: for which a time budget left no time; None for none.
        baseline: the network that was scaled.
    """

    schema_version: int = 1
    kind: str
    run: str
    alpha: float
    beta: float
    gamma: float
    phi: float
    product: float
    measured_ratio: float
    accuracy: float
    accuracy_interval: list[float] | None
    confidence: float
    interval_method: str
    expected: float | None
    expected_deviation: float | None
    prefer: str | None
    noise: float | None
    seeds: int | None
    decided_by: str
    references: list[dict[str, Any]] | None
    conditions: dict[str, Any] | None
    best: dict[str, Any]
    ties: list[dict[str, Any]]
    network: dict[str, Any]
    grid: dict[str, Any] | None
    depends_on: list[dict[str, Any]] | None
    surface: dict[str, Any] | None
    seeds_each: int
    repeats: int
    pruning: str
    top: int
    trainings_left: int | None = None
    seed: int
    baseline: dict[str, Any]
    data: dict[str, Any]
    recipe: dict[str, Any]
    flops_convention: str
    versions: dict[str, Any]


def why_chosen(answer: CoefficientsAnswer) -> str:
    """The rule that the choice followed; empty for an answer older than the rules."""
    rule = _PREFERENCES.get(str(answer.prefer))
    if rule is None:
        return ""
    by = ", by the longer trainings" if answer.decided_by == "top" else ""
    return f"Chosen: {rule}{by}."


def what_is_expected(answer: CoefficientsAnswer) -> str:
    """Measured and expected accuracy of the chosen network, with its interval where known."""
    said = f"measured {percent(answer.accuracy)}, expected {percent(answer.expected)}"
    if answer.accuracy_interval is None:
        return f"{said}, interval"
    low, high = (percent(value) for value in answer.accuracy_interval)
    return f"{said} ({answer.confidence:.0%} interval {low} to {high})"


def what_mattered(answer: CoefficientsAnswer) -> str:
    """What the choice depended on, most first; empty where no surface was modelled."""
    found = answer.depends_on
    if not found:
        return ""
    told = [_moves(one) for one in found if one["told"]]
    untold = [_moves(one) for one in found if not one["told"]]
    said = []
    if told:
        said.append(f"What mattered, on the modelled surface: {'; '.join(told)}.")
    if untold:
        start = (
            "Not distinguishable from noise"
            if told
            else "No dimension can be distinguished from noise"
        )
        said.append(f"{start}: {'; '.join(untold)}.")
    return " ".join(said)


def _moves(one: Mapping[str, Any]) -> str:
    return (
        f"{one['dimension']} {100 * one['change']:.1f} ± {100 * one['deviation']:.1f} points "
        f"between {one['low']:.0f} and {one['high']:.0f} {_UNITS[one['dimension']]}, "
        f"best at {one['best']:.0f}"
    )

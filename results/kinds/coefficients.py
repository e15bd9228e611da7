"""Coefficients runs: the grid, the triple chosen, and how sure that is."""

from effsearch.results.formatting import number
from effsearch.results.kinds.grid_answer import CoefficientsAnswer, what_mattered, why_chosen
from effsearch.results.kinds.kind import Kind, Opening, Step
from effsearch.results.kinds.opening import (
    command,
    go_on,
    measured_how,
    percent,
    resume,
    trainings,
    unfinished,
)
from effsearch.results.kinds.trials import TRIALS
from effsearch.results.plots import (
    curves,
    finalists,
    front,
    heatmap,
    network,
    noise,
    progress,
    ranks,
    ratio,
)
from effsearch.results.references import headline
from effsearch.results.store.kind_table import Table
from effsearch.results.store.run_data import RunData

TABLE = Table(
    file="trials.csv",
    title="The triples",
    numbers=(
        "alpha", "beta", "gamma", "product", "macs", "measured_ratio", "accuracy", "low", "high",
        "top_accuracy", "top_low", "top_high",
    ),
    known=("alpha", "beta", "gamma", "product", "macs", "measured_ratio"),
    flags=("tied", "chosen"),
    shown=(
        "alpha", "beta", "gamma", "product", "measured_ratio", "macs", "accuracy", "low", "high",
        "expected", "top_accuracy", "tied", "chosen", "network",
    ),
    later=("expected", "expected_deviation", "expected_low", "expected_high"),
)  # fmt: skip


def _opening(data: RunData) -> Opening:
    """The triple, its cost and accuracy, how sure it is, and what the ties say."""
    if data.answer is None:
        return unfinished(data, "grid")
    answer = CoefficientsAnswer.from_dict(data.answer)
    said = [
        f"Found: alpha = {answer.alpha:g}, beta = {answer.beta:g}, gamma = {answer.gamma:g}; the "
        f"network it gives scored {percent(answer.accuracy)} and costs "
        f"{number('ratio', answer.measured_ratio)} times the baseline's multiply-adds "
        f"(nominal: {number('product', answer.product)})."
    ]
    if grid := answer.grid:
        said.append(
            f"Budget: {grid['triples']} triples of the grid come to {grid['networks']} distinct "
            f"networks; {grid['failed']} trainings failed."
        )
    said.extend(filter(None, (why_chosen(answer), what_mattered(answer))))
    said.extend(_against_one_dimension(answer))
    said.extend(measured_how(data))
    said.append(_certainty(answer))
    steps = [Step("Grow the family", command(data, f"scale --coefficients {data.reference}"))]
    if answer.ties and len(answer.ties) > 1:
        rule = "" if why_chosen(answer) else "; the cheapest of them was chosen"
        said.append(
            f"Networks statistically tied with the best: {len(answer.ties)}, the best "
            f"included{rule}."
        )
        if not answer.top:
            why = "Separate the tied networks by longer trainings"
            steps.insert(0, Step(why, resume(data, "--top 5")))
    return Opening(tuple(said), (*go_on(data), *steps))


def _against_one_dimension(answer: CoefficientsAnswer) -> list[str]:
    """The network that was chosen beside one dimension alone at its cost, in a sentence."""
    if not answer.references:
        return []
    said = "; ".join(headline(row) for row in answer.references)
    return [f"Compared with one dimension alone at its cost, trained alike: {said}."]


def _certainty(answer: CoefficientsAnswer) -> str:
    if answer.accuracy_interval is None:
        return f"How sure: {answer.interval_method or 'not known'}."
    low, high = (percent(value) for value in answer.accuracy_interval)
    share = f" ({answer.confidence:.0%} interval)" if answer.confidence else ""
    over = f", by {trainings(answer.seeds)}" if answer.seeds else ""
    believed = "" if answer.expected is None else f" is expected at {percent(answer.expected)} and"
    return f"How sure: the accuracy{believed} lies between {low} and {high}{share}{over}."


def _heading(data: RunData) -> str:
    if data.answer is None:
        return ""
    answer = CoefficientsAnswer.from_dict(data.answer)
    return f"α {answer.alpha:g}, β {answer.beta:g}, γ {answer.gamma:g}"


KIND = Kind(
    name="coefficients",
    noun="grid",
    resumed_by="coefficients",
    table=TABLE,
    plots=(
        heatmap.HEATMAP,
        network.NETWORK,
        finalists.FINALISTS,
        ranks.RANKS,
        noise.NOISE,
        ratio.RATIO,
        front.FRONT,
        curves.CURVES,
        progress.TIME,
    ),
    opening=_opening,
    heading=_heading,
    following=TRIALS,
)

"""How strategies stood in a comparison, in words."""

from collections.abc import Sequence
from pathlib import Path

from effsearch.results.bench_progress import final_standings
from effsearch.results.report.steps import Words, go_on
from effsearch.results.store.kind_table import Row
from effsearch.results.store.run_data import RunData


def tell_bench(data: RunData) -> Words:
    """The best strategy after the last evaluation, what that rests on, and who is close to it."""
    standings = [row for row in final_standings(data.rows) if row["reward"] is not None]
    if not standings:
        return Words(("The strategies are compared when all searches have ended.",), go_on(data))
    first, *others = standings
    seeds = first["seeds"]
    said = (
        f"Found: after {first['evaluations']:,} evaluations {first['strategy']} stands best, with "
        f"a mean reward of {first['reward']:.4f} over {seeds} seeds, {first['regret']:.4f} below "
        f"the best {_known(data)}."
    )
    config = data.record["config"]
    space = Path(str(config.get("space"))).name
    budget = (
        f"Budget: {len(standings)} {'strategy' if not others else 'strategies'}, {seeds} searches "
        f"each, on {space} by the evaluator {config.get('evaluator')}."
    )
    return Words((said, budget, *_certainty(standings)), go_on(data))


def _known(data: RunData) -> str:
    return "that any search reached" if (data.answer or {}).get("best") is None else "there is"


def _certainty(standings: Sequence[Row]) -> list[str]:
    """Whose interval reaches into the best one's."""
    first, *others = standings
    if first["half_width"] is None:
        return []
    low = first["reward"] - first["half_width"]
    close = [row["strategy"] for row in others if row["reward"] + (row["half_width"] or 0) >= low]
    said = f"How sure: the 95% interval of its mean is ± {first['half_width']:.4f}"
    if 2 * int(first.get("reached") or 0) > first["seeds"]:
        said += (
            f", which covers less often than that, since {first['reached']} of {first['seeds']} "
            "seeds reached the best there is"
        )
    if close:
        return [f"{said}; not clearly behind it: {', '.join(close)}."]
    return [f"{said}{'; all others are behind' if others else ''}."]

"""Bench runs: searches that have ended, and the leaderboard of the strategies."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effsearch.results.bench_files import SEARCHES, count_searches, final_standings
from effsearch.results.formatting import number, one_line, targets
from effsearch.results.kinds.kind import Counts, Document, Following, Kind, Opening
from effsearch.results.kinds.opening import go_on
from effsearch.results.plots import strategies
from effsearch.results.store.answer import Answer
from effsearch.results.store.kind_table import Row, Table, read_table
from effsearch.results.store.run import Run
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.units import plural

TABLE = Table(
    file="bench.csv",
    title="The strategies",
    numbers=("evaluations", "reward", "half_width", "regret", "seeds"),
    known=("evaluations", "seeds"),
    shown=("strategy", "evaluations", "reward", "half_width", "regret", "seeds"),
)


@dataclass(frozen=True, kw_only=True)
class BenchAnswer(Answer):
    """The content of `bench.json`.

    Attributes:
        targets, objective, space, evaluator, noise: what was searched, and how it was measured.
        best: highest reward there is; None where it is not known.
        judged_by: what a reward without noise is taken from.
        lacking: networks that the table lacks.
        missed: evaluations that met one of these, of so many `evaluations`.
        standings: rows of `bench.csv`.
    """

    schema_version: int = 1
    targets: dict[str, Any]
    objective: str
    space: str
    evaluator: str
    noise: float | None
    best: float | None
    judged_by: str | None = None
    lacking: Any
    missed: int
    evaluations: int
    standings: list[dict[str, Any]]


def _opening(data: RunData) -> Opening:
    """The best strategy after the last evaluation, what that rests on, and who is close to it."""
    standings = [row for row in final_standings(data.rows) if row["reward"] is not None]
    if not standings:
        return Opening(("The strategies are compared when all searches have ended.",), go_on(data))
    first, *others = standings
    seeds = first["seeds"]
    said = (
        f"Found: after {first['evaluations']:,} evaluations {first['strategy']} is best, with "
        f"a mean reward of {first['reward']:.4f} over {plural(seeds, 'seed')}, "
        f"{first['regret']:.4f} below the best {_known(data)}."
    )
    config = data.record["config"]
    space = Path(str(config.get("space"))).name
    budget = (
        f"Budget: {len(standings)} {'strategy' if not others else 'strategies'}, {seeds} searches "
        f"each, on {space} by the evaluator {config.get('evaluator')}."
    )
    return Opening((said, budget, *_certainty(standings)), go_on(data))


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


def _count(run: Run) -> Counts:
    ended, planned = count_searches(run)
    return Counts(asked=planned, done=ended)


def _described(counts: Counts) -> dict[str, Any]:
    return {"searches": {"ended": counts.done, "planned": counts.asked}}


def _essentials(document: Document) -> list[tuple[str, str]]:
    searches = document["searches"]
    return [
        ("target", targets(document["targets"])),
        ("searches", f"{searches['ended']} of {searches['planned']}"),
    ]


def _look(run: Run) -> dict[str, Any]:
    """The searches that have ended, and how the strategies stand when all have."""
    standings = final_standings(read_table(run.path, TABLE))
    return {**_described(_count(run)), "standings": standings}


def _line(document: Document) -> list[str]:
    searches, standings = document["searches"], document["standings"]
    parts = [f"{searches['ended']}/{searches['planned']} searches ended"]
    if standings:
        best = standings[0]
        parts.append(
            f"best {best['strategy']}, mean reward {number('reward', best['reward'])} after "
            f"{best['evaluations']} evaluations"
        )
    return parts


def _picture(document: Document) -> list[str]:
    """Mean reward of each strategy after the last evaluation, the best first."""
    standings = document["standings"]
    if not standings:
        return ["", "the strategies are compared when all searches have ended"]
    width = max(len(row["strategy"]) for row in standings)
    return [
        "",
        *(
            one_line(
                f"{row['strategy']:<{width}}  {number('reward', row['reward'])} ± "
                f"{number('reward', row['half_width'])} (regret {number('reward', row['regret'])})"
            )
            for row in standings
        ),
    ]


KIND = Kind(
    name="bench",
    noun="benchmark",
    resumed_by="bench",
    has_trials=False,
    table=TABLE,
    plots=(strategies.STRATEGIES,),
    opening=_opening,
    heading=lambda data: "",
    following=Following(
        count=_count,
        described=_described,
        essentials=_essentials,
        grows=SEARCHES,
        look=_look,
        line=_line,
        picture=_picture,
    ),
)

"""Networks that were trained over several seeds, whichever kind of run did it."""

from collections.abc import Callable
from dataclasses import dataclass

from effsearch.results.plots.plot import Measured
from effsearch.results.store.kind_table import Row, seed_accuracies
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.units import format_count


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """One network; accuracies are fractions.

    Attributes:
        label: its name in a picture, of one or two lines.
        accuracy: mean over the seeds.
        low, high: interval; None where the noise is unknown.
        seeds: each training's accuracy.
        tied: statistically tied with the best.
        before: what it had scored when it was picked; None where it was not.
        published: a reference, which was in no contest.
    """

    label: str
    accuracy: float
    low: float | None
    high: float | None
    seeds: tuple[float, ...]
    tied: bool
    before: float | None = None
    published: bool = False


def finalists(data: RunData) -> list[Repeated]:
    """The finalists of a search, or the networks of a grid that were trained longer, best first."""
    if data.kind == "coefficients":
        longer = [row for row in _by_network(data) if row["top_accuracy"] is not None]
        longer.sort(key=lambda row: -row["top_accuracy"])
        return [_of_row(row, _triple_label, "top_", before=row["accuracy"]) for row in longer]
    return [
        Repeated(
            label=f"trial {row['trial']}\n{format_count(row['macs'])} MACs",
            accuracy=row["accuracy"],
            low=row["low"],
            high=row["high"],
            seeds=tuple(row["seeds"]),
            tied=row["tied"],
            before=row["search_accuracy"],
        )
        for row in data.finalists
    ]


def short_name(name: str) -> str:
    """A name as it fits beside a picture: a network without one is called by its whole notation."""
    return name if len(name) <= 24 else f"{name[:23]}…"


def references(data: RunData) -> list[Repeated]:
    """The published networks that were trained as a search's finalists were, best first."""
    rows = (data.answer or {}).get("references") or []
    return [
        Repeated(
            label=f"{short_name(row['name'])}\n{format_count(row['macs'])} MACs",
            accuracy=row["accuracy"],
            low=row["low"],
            high=row["high"],
            seeds=tuple(row["seeds"]),
            tied=False,
            published=True,
        )
        for row in sorted(rows, key=lambda row: -row["accuracy"])
    ]


def all_repeated(data: RunData) -> list[Repeated]:
    """Every network of a run with two trainings or more, all under one recipe."""
    if data.kind == "comparison":
        found = [_of_row(row, _method_label) for row in data.rows if row["accuracy"] is not None]
        return _several(found)
    return _several_in_grid(data) or _several(finalists(data))


def all_repeated_of(data: RunData) -> Measured:
    """Whose trainings those of `all_repeated` are."""
    return "search" if _several_in_grid(data) else "answer"


def _several_in_grid(data: RunData) -> list[Repeated]:
    if data.kind != "coefficients":
        return []
    return _several([_of_row(row, _triple_label) for row in _by_network(data)])


def _several(networks: list[Repeated]) -> list[Repeated]:
    return [one for one in networks if len(one.seeds) > 1]


def _by_network(data: RunData) -> list[Row]:
    """One triple a network, the chosen one first: those of one network share its trainings."""
    rows = sorted(data.rows, key=lambda row: not row["chosen"])
    measured = [row for row in rows if row["accuracy"] is not None]
    return list({row["network"]: row for row in reversed(measured)}.values())


def _of_row(
    row: Row, label: Callable[[Row], str], prefix: str = "", before: float | None = None
) -> Repeated:
    return Repeated(
        label=label(row),
        accuracy=row[f"{prefix}accuracy"],
        low=row[f"{prefix}low"],
        high=row[f"{prefix}high"],
        seeds=tuple(seed_accuracies(row, f"{prefix}accuracies")),
        tied=bool(row["tied"]),
        before=before,
    )


def _triple_label(row: Row) -> str:
    triple = f"α {row['alpha']:g}, β {row['beta']:g}, γ {row['gamma']:g}"
    return f"{triple}\n{format_count(row['macs'])} MACs"


def _method_label(row: Row) -> str:
    return f"{row['baseline']} {row['method']}\n{format_count(row['macs'])} MACs"

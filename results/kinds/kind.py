"""What a kind of run is: everything that lists, reports, plots and `watch` ask of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from effsearch.results.plots.plot import Plot
from effsearch.results.store.kind_table import Table
from effsearch.results.store.run import Run
from effsearch.results.store.run_data import RunData

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """Something to run next: why, and the command."""

    why: str
    command: str


@dataclass(frozen=True)
class Opening:
    """The opening of a report: sentences, and steps."""

    sentences: tuple[str, ...]
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How far a run is, in what its kind counts: trials, epochs, searches.

    Attributes:
        best_accuracy: of the trial with the best reward, or of the best epoch.
    """

    asked: int
    done: int
    failed: int = 0
    best_reward: float | None = None
    best_accuracy: float | None = None


@dataclass(frozen=True, kw_only=True)
class Following:
    """How runs of a kind are listed, shown and watched.

    Attributes:
        count: how far a run is.
        described: what `results show` adds of the counts, by key of its document.
        essentials: lines of `results show` after the record's, from its document.
        grows: the file that grows while a run is written.
        look: what `results watch` adds to name and status, as plain data.
        line: the parts of a look's one line, after name and status.
        picture: the lines below that line.
    """

    count: Callable[[Run], Counts]
    described: Callable[[Counts], dict[str, Any]] = lambda counts: {}
    essentials: Callable[[Document], list[tuple[str, str]]]
    grows: str
    look: Callable[[Run], dict[str, Any]]
    line: Callable[[Document], list[str]]
    picture: Callable[[Document], list[str]]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of run.

    Attributes:
        name: also of the folder its runs lie in and of its answer, `<name>.json`.
        noun: what a run of it is in a sentence.
        resumed_by: the command that resumes one; None where runs are made in one go.
        has_trials: it keeps a ledger of trials.
        table: the CSV that is its own; None where it has only `trials.csv`.
        plots: in the order they are shown.
        opening: sentences of the report, and commands to run next.
        heading: what a run found, in a few words; empty while it has found nothing.
        following: how it is listed and watched.
    """

    name: str
    noun: str
    resumed_by: str | None = None
    has_trials: bool = True
    table: Table | None = None
    plots: tuple[Plot, ...]
    opening: Callable[[RunData], Opening]
    heading: Callable[[RunData], str]
    following: Following

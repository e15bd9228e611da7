"""A run read once, for everything that draws or tells it: record, trials, answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from effsearch.results.store.kind_table import Row, Table, read_table
from effsearch.results.store.trials import Trial, top
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import parse_stored


@dataclass(frozen=True, kw_only=True, eq=False)
class RunData:
    """A run as it stood when it was read; equal only to itself, so it can key a cache.

    Attributes:
        reference: such as `baseline/001`.
        path: its directory, as text.
        kind: `baseline`, `coefficients`, …
        status: `finished`, `running`, `interrupted`, `failed` or `infeasible`.
        record: the content of `run.json`.
        targets: what the run searched for, such as `{"macs": 400000000}`.
        trials: in the order they were asked.
        answer: what the run found; None while it has found nothing.
        table: what its kind keeps beside the ledger; None for nothing.
    """

    reference: str
    path: str
    kind: str
    status: str
    record: dict[str, Any]
    targets: dict[str, Any]
    trials: tuple[Trial, ...]
    answer: dict[str, Any] | None
    table: Table | None = None

    @cached_property
    def done(self) -> tuple[Trial, ...]:
        """Trials that were measured, in the order they were asked."""
        return tuple(
            trial
            for trial in self.trials
            if trial.state == "done" and trial.accuracy is not None and trial.reward is not None
        )

    @cached_property
    def best(self) -> Trial | None:
        """The trial of the highest reward in the search itself."""
        return next(iter(top(self.done, 1)), None)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The table that runs of this kind write beside the ledger; see `results.store.kind_table`.

        Raises:
            InputError: it is corrupt.
        """
        return read_table(Path(self.path), self.table)

    @property
    def finalists(self) -> list[dict[str, Any]]:
        """The finalists' rows of the answer, best first; none where there were no finalists."""
        verdict = (self.answer or {}).get("finalists")
        return verdict["rows"] if isinstance(verdict, dict) else []

    @property
    def winner(self) -> Trial | None:
        """The trial the answer names, by number or by its network's id, else the best so far."""
        answer = self.answer or {}
        network = answer.get("network")
        wanted = network.get("id") if isinstance(network, dict) else None
        return next(
            (
                trial
                for trial in self.trials
                if trial.number == answer.get("trial") or trial.arch_id == wanted
            ),
            self.best,
        )

    @cached_property
    def networks(self) -> tuple[Architecture | None, ...]:
        """Each trial's architecture, in the order of `trials`; None where it cannot be read."""
        return tuple(map(read_network, self.trials))

    def forget_networks(self) -> None:
        """Let `networks` go until they are asked for again: of a long search they take much."""
        vars(self).pop("networks", None)

    @cached_property
    def network(self) -> Architecture | None:
        """The winner's architecture, or what is trained; None where there is none to be read."""
        trained = self.record.get("architecture")
        if isinstance(trained, Mapping):
            return _recorded_network(trained)
        return None if self.winner is None else read_network(self.winner)


def read_network(trial: Trial) -> Architecture | None:
    """A trial's architecture; None where its notation is not ours, as a newer version's."""
    try:
        return parse_stored(trial.architecture)
    except InputError:
        return None


def _recorded_network(document: Mapping[str, Any]) -> Architecture | None:
    try:
        return Architecture.from_dict(dict(document))
    except InputError:
        return None

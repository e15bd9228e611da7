"""The answer that is taken where none is named, and what a user should know of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effsearch.results.store.files import read_json_object
from effsearch.results.store.run import Run
from effsearch.results.store.run_index import readable_records
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.units import format_count, plural

FULL_SEARCH = 100
"""Networks that a search evaluates where it is told nothing else."""

_NAMED = 3  # others that are named; more are counted


@dataclass(frozen=True)
class NewestRun:
    """The run whose answer is taken, and a line on it and on what else there is."""

    run: Run
    note: str


@dataclass(frozen=True)
class _Answered:
    run: Run
    answer: Mapping[str, Any]

    @property
    def evaluations(self) -> int | None:
        found = self.answer.get("samples")
        return found if isinstance(found, int) else None

    @property
    def is_full(self) -> bool:
        """Whether as many networks were evaluated as a search does unasked."""
        return self.evaluations is None or self.evaluations >= FULL_SEARCH

    @property
    def line(self) -> str:
        """Size, accuracy and evaluations, as far as the answer says them."""
        said = []
        macs, accuracy = self.answer.get("macs"), self.answer.get("accuracy")
        if isinstance(macs, int | float):
            said.append(f"{format_count(macs)} MACs")
        if isinstance(accuracy, int | float):
            conditions = self.answer.get("conditions")
            where = conditions.get("sentence", "") if isinstance(conditions, Mapping) else ""
            said.append(f"accuracy {accuracy:.4f} {where}".rstrip())
        if self.evaluations is not None:
            said.append(f"{plural(self.evaluations, 'network')} evaluated")
        return "; ".join(said)


def newest_answer(root: Path, kind: str) -> NewestRun | None:
    """The newest finished run of a kind that has an answer; None where there is none.

    A search of fewer networks than `FULL_SEARCH` is not taken where there is a full one: it is
    mostly a trial.
    """
    found = _answered(root, kind)
    if not found:
        return None
    taken = [one for one in found if one.is_full or not any(two.is_full for two in found)][-1]
    newer = found[found.index(taken) + 1 :]
    older = found[: found.index(taken)]
    said = [f"using {taken.run.reference}, as none was named"]
    said += [taken.line] if taken.line else []
    if newer:
        said.append(f"newer, but of fewer than {FULL_SEARCH} networks: {_names(newer)}")
    elif not taken.is_full:
        said[-1] += f", fewer than the {FULL_SEARCH} of a full search"
    if older:
        said.append(f"older: {_names(older)}")
    return NewestRun(taken.run, "; ".join(said))


def _answered(root: Path, kind: str) -> list[_Answered]:
    found = []
    for path, record in readable_records(root, kind):
        if record["status"] != "finished":
            continue
        run = Run(path, record)
        try:
            found.append(_Answered(run, read_json_object(run.paths.answer)))
        except InputError:  # gone or damaged: whoever names it hears of that
            continue
    return found


def _names(runs: Sequence[_Answered]) -> str:
    shown = [
        one.run.reference + (f" ({one.evaluations:,})" if one.evaluations is not None else "")
        for one in reversed(runs[-_NAMED:])
    ]
    more = len(runs) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")

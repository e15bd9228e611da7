"""A run: one directory `<root>/<kind>/<name>` that is never overwritten silently.

It holds run.json, config.yaml, the ledger, trials.csv and the answer, and a lock while written.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from effsearch.results.store.closing import Closing
from effsearch.results.store.directory import RunPaths, make_named, make_numbered
from effsearch.results.store.files import read_json_object, write_atomically, write_json
from effsearch.results.store.ledger import iterate_events
from effsearch.results.store.lock import is_locked, release_lock, take_lock
from effsearch.results.store.record import (
    Record,
    as_plain_data,
    new_record,
    now,
    read_record,
)
from effsearch.results.store.run_index import find_finished, find_latest
from effsearch.results.store.scratch import sweep_unfinished
from effsearch.results.store.secrets import without_secrets
from effsearch.results.store.table import trials_frame
from effsearch.results.store.trials import join_trials
from effsearch.search_spaces.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from effsearch.search_spaces.architecture import Architecture

FINAL_STATUSES = ("finished", "interrupted", "failed", "infeasible")


class Run(Closing):
    """One run directory: read-only from `open`, `latest` and `load`; written under a lock from
    `create` and `resume`, which are left with `with` or `close`.

    Example:
        >>> import effsearch
        >>> run = effsearch.load_run("baseline/001")
        >>> run.status, "accuracy" in run.trials.columns
        ('finished', True)
    """

    def __init__(self, path: Path, record: Record, lock: int | None = None) -> None:
        self.path = path
        self.record = record
        self._lock = lock

    @classmethod
    def create(
        cls,
        root: Path,
        kind: str,
        name: str | None = None,
        *,
        command: Sequence[str],
        config: Mapping[str, Any],
        extra: Mapping[str, Any] | None = None,
        cure: str = "choose another --name",
    ) -> Self:
        """Make a new run directory, numbered unless it is named, and lock it.

        Args:
            command: the command line, word by word.
            config: the resolved configuration as plain data; `seed` is taken from it.
            extra: more keys for `run.json`, such as `targets`.
            cure: what is said where the name is taken.

        Raises:
            InputError: the name is not a simple one, or there is such a run.
            EffsearchError: the directory cannot be written; nothing is left of it.
        """
        plain_config = without_secrets(as_plain_data(config))
        folder = root / kind
        path = make_numbered(folder) if name is None else make_named(folder, name, cure)
        lock = None
        try:
            lock = take_lock(path)
            record = new_record(kind, path.name, command, plain_config, extra or {})
            write_atomically(path / "config.yaml", yaml.safe_dump(plain_config, sort_keys=False))
            write_json(path / "run.json", record)
        except BaseException:
            if lock is not None:
                release_lock(lock)
            shutil.rmtree(path, ignore_errors=True)
            raise
        return cls(path, record, lock)

    @classmethod
    def resume(cls, root: Path, reference: str | Path | None) -> Self:
        """Lock an existing run to go on with it; its status is `running` again.

        A kind alone, or `None`, means the newest run whatever its status.

        Raises:
            InputError: there is no such run, or another process is writing it.
            EffsearchError: the directory cannot be written.
        """
        path = find_latest(root, reference)
        read_record(path)
        lock = take_lock(path)
        try:
            sweep_unfinished(path)
            # Read again: its last writer may have finished while we waited for the lock.
            record = read_record(path)
            resumed_at = [*record.get("resumed_at", []), now()]
            record |= {"status": "running", "finished_at": None, "resumed_at": resumed_at}
            record.pop("error", None)  # of the stop before
            write_json(path / "run.json", record)
        except BaseException:
            release_lock(lock)
            raise
        return cls(path, record, lock)

    @classmethod
    def open(cls, root: Path, reference: str | Path | None) -> Self:
        """Read a run by path or `kind/name`; a kind alone, or `None`: the newest finished one.

        Raises:
            InputError: there is no such run, or its record cannot be read.
        """
        return cls.load(find_finished(root, reference))

    @classmethod
    def latest(cls, root: Path, reference: str | Path | None = None) -> Self:
        """As `open`, but a kind alone, or `None`, means the newest run whatever its status.

        Raises:
            InputError: there is no such run, or its record cannot be read.
        """
        return cls.load(find_latest(root, reference))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the run in this very directory.

        Raises:
            InputError: it is not a run, or its record cannot be read.
        """
        return cls(path, read_record(path))

    def _repr_html_(self) -> str:
        """In a notebook: what it is, how it stands, and what it found."""
        from effsearch.search_spaces.html import html_table

        answer = self.answer() or {}
        shown = ("accuracy", "macs", "params", "latency_ms", "alpha", "beta", "gamma", "notation")
        rows = [
            ("status", self.status),
            ("command", " ".join(map(str, self.record.get("command", ())))),
            *((name, answer[name]) for name in shown if answer.get(name) is not None),
            ("folder", self.path),
        ]
        return html_table(rows, caption=f"run {self.reference}")

    @property
    def kind(self) -> str:
        """`baseline`, `coefficients`, …"""
        return str(self.record["kind"])

    @property
    def name(self) -> str:
        """The directory's own name, `001` or what the user chose."""
        return self.path.resolve().name

    @property
    def reference(self) -> str:
        """How the run is named on the command line: `baseline/001`."""
        return f"{self.kind}/{self.name}"

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration, as plain data."""
        config: dict[str, Any] = self.record["config"]
        return config

    @property
    def paths(self) -> RunPaths:
        """Where the files of this run lie."""
        return RunPaths(self.path, self.kind)

    @property
    def status(self) -> str:
        """As recorded; `running` where no process holds the lock reads as `interrupted`."""
        recorded = str(self.record["status"])
        if recorded != "running" or is_locked(self.path):
            return recorded
        # Its writer may have ended between our reading of the record and our look at the lock.
        recorded = str(read_record(self.path)["status"])
        return "interrupted" if recorded == "running" else recorded

    @property
    def trials(self) -> "pd.DataFrame":
        """All trials so far, one row each; the columns are those of `results.store.table`.

        Raises:
            InputError: the ledger is corrupt.
        """
        events = iterate_events(self.paths.ledger) if self.paths.ledger.exists() else ()
        return trials_frame(join_trials(events))

    def answer(self) -> dict[str, Any] | None:
        """What the run found, or `None` where it has found nothing yet.

        Raises:
            InputError: the file is corrupt.
        """
        return read_json_object(self.paths.answer) if self.paths.answer.exists() else None

    @property
    def architecture(self) -> "Architecture":
        """The network that a search found, or that was trained.

        Raises:
            InputError: the run has none, or none yet.
        """
        from effsearch.search_spaces.zoo import as_architecture

        for document in (self.answer(), self.record):
            if document is not None and isinstance(document.get("architecture"), dict):
                return as_architecture(document)
        raise InputError(
            f"run {self.reference} ({self.status}) holds no network: name a finished baseline run "
            "or a training"
        )

    def finish(self, status: str, **fields: Any) -> None:
        """Record how the run ended, with `fields` beside it. The lock is held until `close`.

        Raises:
            ValueError: the status is none of `FINAL_STATUSES`, or the run is open for reading.
            EffsearchError: the record cannot be written.
        """
        if status not in FINAL_STATUSES:
            raise ValueError(f"a run ends {', '.join(FINAL_STATUSES)}, not '{status}'")
        if self._lock is None:
            raise ValueError(f"run {self.path} is open for reading only")
        ended = (
            self.record
            | without_secrets(as_plain_data(fields))
            | {"status": status, "finished_at": now()}
        )
        write_json(self.paths.record, ended)
        self.record = ended

    def discard(self) -> None:
        """Remove a run that came to nothing, and free the lock.

        Raises:
            ValueError: the run is open for reading.
        """
        if self._lock is None:
            raise ValueError(f"run {self.path} is open for reading only")
        shutil.rmtree(self.path, ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Free the lock."""
        if self._lock is not None:
            release_lock(self._lock)
            self._lock = None

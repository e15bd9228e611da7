"""How a command writes a run: started, resumed, and its end recorded in any case."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from effsearch.results.callbacks import Callbacks, Stop, called_back, check_callbacks, tell
from effsearch.results.config import Settings, machine_keys
from effsearch.results.followed import followed
from effsearch.results.kinds.registry import kind_of, resume_command
from effsearch.results.store.alike import still_holds
from effsearch.results.store.events import Asked
from effsearch.results.store.last_words import last_words
from effsearch.results.store.ledger import iterate_events
from effsearch.results.store.lock import is_locked
from effsearch.results.store.run import Run
from effsearch.results.store.signals import exit_code
from effsearch.results.store.table import write_csv
from effsearch.results.store.trials import Trial, join_trials
from effsearch.search_spaces.errors import (
    ClusterLostError,
    EffsearchError,
    InfeasibleError,
    InputError,
    Interrupted,
    MissingResourceError,
)


def say(line: str, quiet: bool) -> None:
    """Talk on stderr."""
    if line and not quiet:
        print(line, file=sys.stderr, flush=True)


class Plan(Protocol):
    """A checked configuration, with all that a run of it needs loaded."""

    @property
    def record(self) -> Mapping[str, Any]:
        """What `run.json` says beside the configuration."""

    def stored_config(self) -> dict[str, Any]:
        """The configuration as the run keeps it."""


P = TypeVar("P", bound=Plan)
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Driver(Generic[P, R]):
    """How runs of one kind are written: a new one, or one that goes on.

    Attributes:
        kind: of the runs.
        execute: does the work in a run that is open for writing, and returns what it found; the
            flag says to be quiet.
        introduce: lines that are said of a new run.
        content: keys of the record that may not differ where a run is resumed.
        settings: what the run keeps as its configuration when it ends.
        kept: says after Ctrl-C what there is to go on with.
        resumable: errors that leave a run interrupted, as it can go on elsewhere.
        has_trials: the loggers of its settings hear of trials, the answer and pictures.
    """

    kind: str
    execute: Callable[[Run, P, bool], R]
    introduce: Callable[[Run, P], Iterable[str]]
    content: tuple[str, ...] = ()
    settings: Callable[[Run, P], Mapping[str, Any]] = lambda run, plan: plan.stored_config()
    kept: Callable[[Run], str] = lambda run: "nothing finished is lost"
    resumable: tuple[type[EffsearchError], ...] = (MissingResourceError,)
    has_trials: bool = True

    def start(
        self,
        plan: P,
        *,
        run_dir: Path,
        name: str | None,
        quiet: bool,
        command: Sequence[str],
        callbacks: Callbacks = (),
    ) -> R:
        """Make a run and do its work.

        Raises:
            EffsearchError: as `Run.create` and `execute`; `Interrupted` says how to resume.
        """
        check_callbacks(callbacks)
        config, extra = plan.stored_config(), plan.record
        with new_run(run_dir, self.kind, name, command=command, config=config, extra=extra) as run:
            for line in self.introduce(run, plan):
                say(line, quiet)
            return self._execute(run, plan, quiet, callbacks)

    def resume(
        self,
        found: Run,
        plan: P,
        *,
        run_dir: Path,
        quiet: bool,
        title: str = "",
        callbacks: Callbacks = (),
    ) -> R:
        """Go on with a run that was found by `find_run`, under a plan that was checked against it.

        Raises:
            InputError: what its settings name has changed, or another process writes it.
            EffsearchError: as `start`.
        """
        check_callbacks(callbacks)
        refuse_other_content(found, plan.record, self.content)
        with Run.resume(run_dir, found.path) as run:
            say(f"resuming {run.reference}{title}", quiet)
            return self._execute(run, plan, quiet, callbacks)

    def _execute(self, run: Run, plan: P, quiet: bool, callbacks: Callbacks) -> R:
        config = self.settings(run, plan)
        kept = partial(self.kept, run)
        with called_back(callbacks):
            with ending_recorded(run, config, kept=kept, resumable=self.resumable):
                names = plan.stored_config().get("logger", ()) if self.has_trials else ()
                with followed(run, names) as log:
                    result = self.execute(run, plan, quiet)
                    log.end(run)
            with suppress(Stop):  # all is done
                tell("on_end", result)
        return result


@contextmanager
def new_run(
    run_dir: Path,
    kind: str,
    name: str | None,
    *,
    command: Sequence[str],
    config: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> Iterator[Run]:
    """As `Run.create`, and nothing is left of it where the machine lacked what it needs to begin.

    Raises:
        EffsearchError: as `Run.create`.
    """
    cure = "choose another --name, or resume it with --resume"
    with Run.create(
        run_dir, kind, name, command=command, config=config, extra=extra, cure=cure
    ) as run:
        try:
            yield run
        except MissingResourceError:
            if not has_results(run):
                run.discard()
            raise


def find_run(run_dir: Path, reference: str | None, kind: str) -> Run:
    """The run to go on with: by path or `kind/name`; None for the newest of its kind.

    Raises:
        InputError: there is none, or it is of another kind.
    """
    found = Run.latest(run_dir, reference or kind)
    if found.kind != kind:
        raise InputError(f"run {found.reference} is not a {kind} run: name one that is")
    return found


def is_done(run: Run, settings: type[Settings], changes: Mapping[str, Any]) -> bool:
    """Whether nothing is left to do of a run, so that going on would touch it for nothing.

    It finished, nothing of it was lost since, and no change asks for more. Options of the machine
    change nothing of what was found. A run that its time budget ended is not done: the same budget
    takes it further.

    Args:
        settings: of the runs of its kind.
        changes: keys that a resumption is given anew.

    Raises:
        InputError: a key that is none, or the ledger is corrupt.
    """
    if run.status != "finished" or is_locked(run.path) or not run.paths.answer.exists():
        return False
    asked = {key: one for key, one in changes.items() if key not in machine_keys(settings)}
    if asked:
        given = settings.make(run.config, asked).to_dict()
        if any(key not in run.config or run.config[key] != given[key] for key in asked):
            return False
    try:
        if (run.answer() or {}).get("trainings_left"):
            return False
    except InputError:  # a damaged answer is made again
        return False
    counts = kind_of(run.kind).following.count(run)
    ended = counts.done + counts.failed
    samples = run.config.get("samples") if run.kind == "baseline" else None
    return counts.asked == ended and (samples is None or ended >= samples)


def refuse_changes(run: Run, keys: Sequence[str]) -> None:
    """Raise an InputError if a resumption differs from its run in any key."""
    if keys:
        raise InputError(
            f"run {run.reference} was started with another {', '.join(keys)}: "
            "resume it as it was, or start a new run"
        )


def refuse_other_content(run: Run, record: Mapping[str, Any], keys: Iterable[str]) -> None:
    """Raise an InputError if what the settings name is no longer what the run began with.

    Args:
        run: as it was started.
        record: what would be recorded of it now.
        keys: of the record, such as `data` and `recipe`.
    """
    for key in keys:
        then, now = run.record.get(key), json.loads(json.dumps(record.get(key)))
        # A recipe alone gets new options, whose defaults are what was done before.
        if not (still_holds(then, now) if key == "recipe" else then == now):
            refuse_changes(run, [f"{key} (its content)"])


@contextmanager
def ending_recorded(
    run: Run,
    config: Mapping[str, Any],
    *,
    kept: Callable[[], str] = lambda: "nothing finished is lost",
    resumable: tuple[type[EffsearchError], ...] = (MissingResourceError,),
) -> Iterator[None]:
    """Record how a run ends whatever happens in the block, and the settings it ended with.

    Args:
        run: open for writing.
        config: its settings as plain data.
        kept: says after Ctrl-C what there is to go on with.
        resumable: errors that leave the run interrupted, as it can go on elsewhere.

    Raises:
        Interrupted: a signal to stop; it names the command that resumes.
        ClusterLostError: Ray went away; likewise.
    """
    again = resume_command(run.path, run.kind)

    def lost(why: str) -> str:
        """Record that Ray has gone; what is said of it."""
        with suppress(EffsearchError):
            run.finish("interrupted", config=config, error=why)
        return f"{why}; {kept()}. Resume with: {again}"

    try:
        with last_words(lambda why: print(f"effsearch: {lost(why)}", file=sys.stderr)):
            yield
    except (KeyboardInterrupt, Stop):
        with suppress(EffsearchError):  # the disk may be full: what happened is said in any case
            run.finish("interrupted", config=config)
        raise Interrupted(f"stopped; {kept()}. Resume with: {again}", exit_code()) from None
    except ClusterLostError as error:
        raise ClusterLostError(lost(str(error))) from error
    except EffsearchError as error:
        status = "infeasible" if isinstance(error, InfeasibleError) else "failed"
        if isinstance(error, resumable):
            status = "interrupted"
        with suppress(EffsearchError):
            run.finish(status, config=config, error=str(error))
        raise
    except Exception as error:  # a fault of ours or of a library: its traceback is shown
        with suppress(Exception):
            run.finish("failed", config=config, error=f"{type(error).__name__}: {error}")
        raise
    run.finish("finished", config=config)


def write_trials(run: Run, path: Path) -> list[Trial]:
    """Write the trials of a run so far as CSV, of a stopped one too, and return them."""
    ledger = run.paths.ledger
    trials = join_trials(iterate_events(ledger)) if ledger.exists() else []
    write_csv(trials, path)
    return trials


def has_results(run: Run) -> bool:
    """Whether a trial of the run has ended or a checkpoint was written."""
    if any((run.path / "checkpoints").glob("*.safetensors")):
        return True
    ledger = run.paths.ledger
    return ledger.exists() and any(not isinstance(e, Asked) for e in iterate_events(ledger))

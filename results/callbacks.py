"""Code of the user's that hears of trials, epochs and the end, and may end a run early."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeAlias

from effsearch.results.store.directory import LEDGER_FILE
from effsearch.results.store.events import Asked, Event
from effsearch.results.store.following import ledgers_followed
from effsearch.results.store.ledger import iterate_events
from effsearch.results.store.trials import Trial, join_trials
from effsearch.search_spaces.errors import EffsearchError, InputError

METHODS = ("on_trial", "on_epoch", "on_end")


class Stop(Exception):
    """Raised in a callback it ends a run early and cleanly.

    A baseline search starts no further network and answers with what it has, as when its time
    budget is spent; a training ends with its best epoch. A grid and a comparison, which need all
    their networks, stop as at Ctrl-C: `Interrupted` says how to go on.

    Example:
        >>> import effsearch
        >>> class GoodEnough:
        ...     def on_trial(self, trial):
        ...         if trial.accuracy and trial.accuracy > 0.97:
        ...             raise effsearch.Stop
    """


class Callback:
    """Hears of a run; a subclass has the methods it needs. Any object with one of them serves.

    They are called in the process that runs the command, after what they are told of is on the
    disk.

    Example:
        >>> class Patience(Callback):
        ...     def on_trial(self, trial):
        ...         if trial.number >= 50:
        ...             raise Stop
    """

    def on_trial(self, trial: Trial) -> None:
        """An evaluation of a search, a grid or a comparison has ended, `done` or `failed`.

        Finalists and references, which are trained again, are not told.
        """

    def on_epoch(self, report: Any) -> None:
        """An epoch of `effsearch train` has ended: accuracy, losses, seconds (`EpochReport`)."""

    def on_end(self, result: Any) -> None:
        """The run is finished; the result is what the function returns."""


Callbacks: TypeAlias = Callback | Sequence[Callback]
"""One, or several that are called in their order."""


class _Followers:
    """The callbacks of one run."""

    def __init__(self, callbacks: Sequence[Any]) -> None:
        self.callbacks = callbacks
        self._asked: dict[int, Asked] = {}
        self._ledger: Path | None = None

    def call(self, method: str, value: Any) -> None:
        """Call all that have a method; a wish to stop is passed on when all have heard."""
        wished = False
        for callback in self.callbacks:
            try:
                getattr(callback, method, lambda _: None)(value)
            except Stop:
                wished = True
            except EffsearchError:
                raise
            except Exception as error:  # the user's code
                text = " ".join(f"{type(error).__name__}: {error}".split())
                raise EffsearchError(
                    f"{method} of {type(callback).__name__} failed: {text}"
                ) from error
        if wished:
            raise Stop

    def events(self, path: Path, events: Sequence[Event]) -> None:
        """Tell the trials that ended, as their events have been appended."""
        if path.name != LEDGER_FILE:
            return
        if path != self._ledger:  # what was asked before a resumption
            self._ledger = path
            self._asked = {e.trial: e for e in iterate_events(path) if isinstance(e, Asked)}
        self._asked |= {event.trial: event for event in events if isinstance(event, Asked)}
        wished = False
        for event in events:
            if not isinstance(event, Asked):
                (trial,) = join_trials([self._asked[event.trial], event])
                try:
                    self.call("on_trial", trial)
                except Stop:
                    wished = True
        if wished:
            raise Stop


_FOLLOWERS: ContextVar[_Followers | None] = ContextVar("callbacks", default=None)


def check_callbacks(callbacks: Callbacks) -> Sequence[Any]:
    """The callbacks as a sequence.

    Raises:
        InputError: one of them has none of the methods.
    """
    given: Sequence[Any] = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    for one in given:
        if isinstance(one, type) or not any(hasattr(one, method) for method in METHODS):
            raise InputError(
                f"callback {one!r} has none of {', '.join(METHODS)}: give an object of a subclass "
                "of effsearch.Callback"
            )
    return given


@contextmanager
def called_back(callbacks: Callbacks) -> Iterator[None]:
    """Inside the block, a run tells its callbacks.

    Raises:
        InputError: as `check_callbacks`.
    """
    given = check_callbacks(callbacks)
    if not given:
        yield
        return
    followers = _Followers(given)
    with ExitStack() as until_the_end:
        until_the_end.enter_context(ledgers_followed(followers.events))
        token = _FOLLOWERS.set(followers)
        until_the_end.callback(_FOLLOWERS.reset, token)
        yield


@contextmanager
def also_called_back(callback: Callback) -> Iterator[None]:
    """Inside the block one more callback hears of the run that is under way."""
    outer = _FOLLOWERS.get()
    with called_back([*(outer.callbacks if outer else ()), callback]):
        yield


def tell(method: str, value: Any) -> None:
    """Call a method of all callbacks of the run that is under way.

    Raises:
        Stop: one of them wishes so.
        EffsearchError: one of them failed.
    """
    followers = _FOLLOWERS.get()
    if followers is not None:
        followers.call(method, value)

"""Searches, grids and comparisons followed by loggers: trials as they end, answer, pictures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from effsearch.results.callbacks import Callback, also_called_back
from effsearch.results.drawing import draw
from effsearch.results.kinds.registry import kind_of
from effsearch.results.loading import load_run_data
from effsearch.results.loggers import LoggedRun, Logger, open_loggers
from effsearch.results.plots.files import figure_bytes
from effsearch.results.plots.style import NothingToDrawError
from effsearch.results.store.files import write_bytes_atomically
from effsearch.results.store.ledger import iterate_events
from effsearch.results.store.run import Run
from effsearch.results.store.trials import Trial, join_trials
from effsearch.results.tally import Tally


@dataclass
class _Followed(Callback):
    """Tells loggers of trials."""

    loggers: Sequence[Logger]
    tally: Tally = field(default_factory=Tally)

    def on_trial(self, trial: Trial) -> None:
        """Log what came of a trial; its step is its place among those that ended."""
        self.tally.take(trial)
        values = self.tally.values(trial)
        curve = trial.measurements.get("curve")
        for logger in self.loggers:
            logger.log(values, self.tally.ended)
            if isinstance(curve, list) and len(curve) > 1:
                logger.curve(f"trial-{trial.number:05d}", curve)

    def end(self, run: Run) -> None:
        """Log the answer, and the run's pictures as far as they can be drawn."""
        if not self.loggers:
            return
        data = load_run_data(run)
        for plot in kind_of(run.kind).plots:
            try:
                figure = draw(plot.name, data)
            except NothingToDrawError:
                continue
            path = run.paths.plots / f"{plot.name}.png"
            path.parent.mkdir(exist_ok=True)
            write_bytes_atomically(path, figure_bytes(figure, "png"))
            for logger in self.loggers:
                logger.picture(plot.name, path)
        for logger in self.loggers:
            logger.answer(data.answer or {})


@contextmanager
def followed(run: Run, names: Sequence[str]) -> Iterator[_Followed]:
    """Inside the block the loggers hear of every trial that ends; `end` tells them the answer.

    Raises:
        InputError, MissingResourceError: as `check_loggers`.
    """
    log = _Followed([])
    if not names:
        yield log
        return
    if run.paths.ledger.exists():
        for trial in join_trials(iterate_events(run.paths.ledger)):
            if trial.state != "waiting":
                log.tally.take(trial)
    logged = LoggedRun(
        path=run.path, reference=run.reference, settings=run.config, epochs_done=log.tally.ended
    )
    with open_loggers(names, logged) as loggers:
        log.loggers = loggers
        with also_called_back(log):
            yield log

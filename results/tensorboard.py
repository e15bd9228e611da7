"""A search as TensorBoard shows it: curves over the evaluations, and a table of hyper-parameters.

Event files are written from the ledger, so a search that runs can be followed and a finished one
brought over, and the search itself knows nothing of it.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from effsearch.results.loading import load_run_data
from effsearch.results.plots.choices import read_choices
from effsearch.results.store.closing import Closing
from effsearch.results.store.run import Run
from effsearch.results.store.trials import Trial
from effsearch.results.tally import Tally
from effsearch.search_spaces.errors import EffsearchError, InputError, MissingResourceError

FOLDER = "tensorboard"
_OUTCOMES = ("reward", "accuracy", "seconds", "macs", "params")
MOST_HPARAMS = 1000  # each is a folder of its own for TensorBoard


class TensorBoard(Closing):
    """Writes a run's ended trials to event files; left with `with` or `close`.

    A trial's step is its place in the order in which trials ended, from 1. What an earlier writer
    left in the folder is struck out.

    Args:
        run: with a ledger.
        folder: `tensorboard --logdir` is given it, or a folder above it.

    Raises:
        InputError: the run has no trials by its kind.
        MissingResourceError: tensorboardX is not installed.
        EffsearchError: the folder cannot be written.
    """

    def __init__(self, run: Run, folder: Path) -> None:
        if run.kind == "train":
            raise InputError(
                f"run {run.reference} has epochs, not trials: `effsearch train --logger "
                "tensorboard` writes them as it trains"
            )
        self._run = run
        try:
            self._writer = open_events(folder, purge_step=1)
        except OSError as problem:
            raise EffsearchError(
                f"cannot write {folder}: {problem.strerror or problem}: `effsearch results export "
                f"{run.reference} --format tensorboard --output FOLDER` writes elsewhere"
            ) from None
        self._written: set[int] = set()
        self._tally = Tally()

    def update(self) -> int:
        """Write the trials that have ended since the last call, and say how many they are.

        Raises:
            InputError: the ledger is corrupt.
        """
        data = load_run_data(self._run)
        ended = [trial for trial in data.trials if trial.state != "waiting"]
        new = [trial for trial in ended if trial.number not in self._written]
        choices = read_choices(data).by_trial if new else {}
        for trial in sorted(new, key=lambda one: (one.finished_at or 0.0, one.number)):
            self._written.add(trial.number)
            self._tally.take(trial)
            self._add(trial, self._tally.ended, choices.get(trial.number, {}))
        self._writer.flush()
        return len(new)

    def _add(self, trial: Trial, step: int, choices: Mapping[str, str]) -> None:
        values = self._tally.values(trial)
        for name, value in values.items():
            self._writer.add_scalar(name, value, step, walltime=trial.finished_at)
        if trial.state == "done" and choices and step <= MOST_HPARAMS:
            # Under names of their own: curves of one point each would crowd those of the search.
            shown = {name.partition("/")[-1]: value for name, value in values.items()}
            measured = {f"trial/{name}": shown[name] for name in _OUTCOMES if name in shown}
            folder = f"trial-{trial.number:05d}"
            self._writer.add_hparams(dict(choices), measured, name=folder, global_step=step)

    def close(self) -> None:
        """Close the event files."""
        self._writer.close()


def open_events(folder: Path, *, purge_step: int | None = None, suffix: str = "") -> Any:
    """A writer of event files in a folder.

    Args:
        purge_step: what an earlier writer left from this step on is struck out; None for nothing.
        suffix: of the file's name, which otherwise tells it apart by the second alone.

    Raises:
        MissingResourceError: tensorboardX is not installed.
        OSError: the folder cannot be written.
    """
    if find_spec("tensorboardX") is None:
        raise MissingResourceError("TensorBoard's files need: pip install tensorboardX")
    from tensorboardX import SummaryWriter

    return SummaryWriter(str(folder), purge_step=purge_step, filename_suffix=suffix)

"""A search as an Optuna study, for `optuna-dashboard sqlite:///study.db`.

One trial a network: what it chose where the networks differ, its reward, its costs as attributes,
its accuracy by epoch as intermediate values.
"""

import logging
import warnings
from pathlib import Path
from typing import Any

from effsearch.results.loading import load_run_data
from effsearch.results.plots.choices import read_choices
from effsearch.results.store.run import Run
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.errors import EffsearchError, InputError


def write_study(run: Run, path: Path) -> int:
    """Write the ended trials of a run to an SQLite file as a study of the run's name.

    A study of that name in the file is replaced, others stay.

    Returns:
        How many trials were written.

    Raises:
        InputError: the run has no trials, or the file is no database.
        EffsearchError: it cannot be written.
    """
    import optuna
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import SQLAlchemyError

    data = load_run_data(run)
    choices = read_choices(data)
    picked = choices.by_trial
    kinds = {
        choice.name: optuna.distributions.CategoricalDistribution(list(choice.options))
        for choice in choices.varied
    }
    url = URL.create("sqlite", database=str(path.resolve())).render_as_string()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is experimental in Optuna
            storage = optuna.storages.RDBStorage(url)
            if run.reference in optuna.get_all_study_names(storage):
                optuna.delete_study(study_name=run.reference, storage=storage)
            study = optuna.create_study(
                study_name=run.reference, storage=storage, direction="maximize"
            )
            study.set_metric_names(["reward"])
            study.set_user_attr("space", str(run.record.get("space")))
            study.set_user_attr("objective", str(run.record.get("objective")))
            ended = [trial for trial in data.trials if trial.state != "waiting"]
            study.add_trials([_frozen(one, picked.get(one.number, {}), kinds) for one in ended])
    except (SQLAlchemyError, OSError) as problem:
        text = str(problem).splitlines()[0]
        kind = InputError if path.exists() else EffsearchError
        raise kind(f"cannot write a study to {path}: {text}") from None
    return len(ended)


def _frozen(trial: Trial, picked: dict[str, str], kinds: dict[str, Any]) -> Any:
    """One trial as Optuna keeps it."""
    import optuna

    curve = trial.measurements.get("curve")
    values = curve if isinstance(curve, list) else []
    attributes: dict[str, Any] = {
        "network": trial.architecture,
        "id": trial.arch_id,
        "trial": trial.number,
        **trial.costs,
    }
    if trial.accuracy is not None:
        attributes["accuracy"] = trial.accuracy
    if trial.error:
        attributes["error"] = trial.error
    done = trial.state == "done"
    state = optuna.trial.TrialState
    # A study has no reward of a training that was given up, but where it had got to.
    partial = done and trial.partial and bool(values)
    return optuna.trial.create_trial(
        state=state.PRUNED if partial else state.COMPLETE if done else state.FAIL,
        value=trial.reward if done and not partial else None,
        params=picked,
        distributions={name: kinds[name] for name in picked},
        user_attrs=attributes,
        intermediate_values={epoch: float(v) for epoch, v in enumerate(values, start=1)},
    )

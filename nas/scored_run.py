"""Zero-cost scores of the networks that a search has trained: what each would have been worth."""

from typing import Any

import numpy as np

from effsearch.nas.config import make_config
from effsearch.nas.evaluators.zero_cost.probing import probe_of
from effsearch.nas.evaluators.zero_cost.worth import FEWEST, as_document, score_worths
from effsearch.results.store.ledger import iterate_events
from effsearch.results.store.run import Run
from effsearch.results.store.trials import join_trials
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import parse_stored
from effsearch.training.trials.proxy import make_proxy


def score_run(run: Run, most: int) -> dict[str, Any]:
    """Kendall's τ of each score with the accuracies that a search's trainings had.

    Args:
        run: a baseline search by short trainings, finished or not.
        most: networks to score; where there are more, they are drawn evenly from all.

    Raises:
        InputError: another kind of run, one that trained no networks, or too few of them.
    """
    if run.kind != "baseline":
        raise InputError(f"run {run.reference} is not a search: name a baseline run")
    config = make_config(run.config)
    if config.evaluator != "proxy":
        raise InputError(
            f"run {run.reference} trained no networks in its search (evaluator "
            f"{config.evaluator}): name a run of the evaluator proxy"
        )
    trials = join_trials(iterate_events(run.paths.ledger)) if run.paths.ledger.exists() else []
    done = [trial for trial in trials if trial.accuracy is not None and not trial.partial]
    if len(done) < FEWEST:
        raise InputError(
            f"run {run.reference} has {len(done)} trained networks, and an order needs {FEWEST}: "
            "wait for more, or name another run"
        )
    chosen = [done[int(place)] for place in np.linspace(0, len(done) - 1, min(most, len(done)))]
    trainer, _ = make_proxy(config, config.device)
    worths = score_worths(
        [parse_stored(trial.architecture) for trial in chosen],
        [float(trial.accuracy or 0.0) for trial in chosen],
        probe_of(trainer.dataset, trainer.recipe),
    )
    return as_document(worths, len(chosen))

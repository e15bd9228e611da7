"""Evaluators by what the user gives: proxy, supernet, zero-cost, a table, or a function."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.nas.config import BaselineConfig
from effsearch.nas.options import SUPERNET, ZERO_COST, only_estimates
from effsearch.results.config import given_object
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.space import SearchSpace
from effsearch.training.trials.evaluator import Evaluator

if TYPE_CHECKING:
    from effsearch.nas.evaluators.zero_cost.score import Probe
    from effsearch.training.trials.proxy import ProxyEvaluator


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the accuracies of a search come from.

    Attributes:
        evaluator: of the search.
        trainer: of finalists and references; None where nothing can be trained.
        record: what the run's record says of both.
        probe: what zero-cost scores look at; None where nothing can be trained.
    """

    evaluator: Evaluator
    trainer: "ProxyEvaluator | None"
    record: dict[str, object]
    probe: "Probe | None" = None


def make_evaluator(config: BaselineConfig, space: SearchSpace) -> Source:
    """An evaluator, what trains finalists, and what the run's record says of both.

    Args:
        config: of the search.
        space: whose networks are evaluated.

    Raises:
        InputError: no such evaluator, or it cannot work as asked: its file, data or options.
    """
    text = config.evaluator
    if (config.supernet_recipe, config.supernet_epochs) != (None, None) and text != SUPERNET:
        raise InputError("options of a supernet's training need --evaluator supernet")
    function = given_object("evaluator", text)
    if function is not None:
        from effsearch.nas.evaluators.user import object_evaluator

        made, source = object_evaluator(function)
        own = {"function": str(text), "source": source}
        return Source(evaluator=made, trainer=None, record={"evaluator": own})
    if text == "proxy" or only_estimates(text):
        from effsearch.training.trials.proxy import make_proxy

        trainer, record = make_proxy(config, config.device)
        if text == "proxy":
            return Source(evaluator=trainer, trainer=trainer, record=record)
        kind, _, named = text.partition(":")
        if kind == ZERO_COST:
            return _zero_cost(named, space, trainer, record)
        from effsearch.nas.evaluators.supernet import make_supernet
        from effsearch.nas.evaluators.zero_cost.probing import probe_of
        from effsearch.training.supernet.recipe import default_recipe, supernet_recipe

        # As the short trainings are, with nothing left to defaults that may change.
        like = asdict(trainer.recipe)
        recipe = config.supernet_recipe or default_recipe(space)
        how = supernet_recipe(recipe, config.data, like, config.supernet_epochs)
        evaluator, shared = make_supernet(named, space, trainer, how)
        return Source(
            evaluator=evaluator,
            trainer=trainer,
            record=record | {"evaluator": shared},
            probe=probe_of(trainer.dataset, trainer.recipe),
        )
    if text.endswith(".csv"):
        from effsearch.nas.evaluators.table import load_table

        table = load_table(Path(text), space, config.table_missing)
        listed = {"table": text, "networks": len(table.rows), "digest": table.digest}
        return Source(evaluator=table, trainer=None, record={"evaluator": listed})
    if ":" in text:
        from effsearch.nas.evaluators.user import load_user_evaluator

        user = load_user_evaluator(text)
        function = {"function": text, "source": user.source}
        return Source(evaluator=user, trainer=None, record={"evaluator": function})
    if text.endswith(".py"):
        raise InputError(f"evaluator '{text}' names no function: give {text}:evaluate")
    known = [
        "proxy",
        SUPERNET,
        ZERO_COST,
        "TABLE.csv",
        "package.module:function",
        "file.py:function",
    ]
    raise unknown_name("evaluator", text, known)


def _zero_cost(
    named: str, space: SearchSpace, trainer: "ProxyEvaluator", record: dict[str, object]
) -> Source:
    from effsearch.nas.evaluators.zero_cost.evaluator import make_zero_cost
    from effsearch.nas.evaluators.zero_cost.probing import probe_of
    from effsearch.nas.evaluators.zero_cost.registry import scores_of

    names = [score.name for score in scores_of(named)]
    probe = probe_of(trainer.dataset, trainer.recipe)
    return Source(
        evaluator=make_zero_cost(names, space, probe),
        trainer=trainer,
        record=record | {"evaluator": {"zero_cost": names}},
        probe=probe,
    )

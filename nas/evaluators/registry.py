"""Evaluators by what the user gives: proxy, TABLE.csv, module:function, file.py:function, or a
function itself."""

from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.nas.options import TableMissing
from effsearch.results.config import given_object
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.space import SearchSpace
from effsearch.training.trials.evaluator import Evaluator

if TYPE_CHECKING:
    from effsearch.training.data.named_columns import Columns


def make_evaluator(
    text: str,
    *,
    space: SearchSpace,
    table_missing: TableMissing,
    data: str,
    recipe: dict[str, object],
    max_images: int | None,
    device: str,
    columns: "Columns | None" = None,
    skip_bad: bool = False,
) -> tuple[Evaluator, dict[str, object]]:
    """An evaluator, and what the run's record says of it.

    Args:
        text: what the user wrote.
        space: whose networks are evaluated.
        table_missing: what becomes of those that a table lacks.
        data: dataset of proxy training.
        recipe: options of proxy training over the dataset's defaults.
        max_images: sample of the training part to decode; None for all.
        device: of proxy training.
        columns: of a table of images, those that the user named.
        skip_bad: leave unreadable images out.

    Raises:
        InputError: no such evaluator, or it cannot work as asked: its file, data or options.
    """
    function = given_object("evaluator", text)
    if function is not None:
        from effsearch.nas.evaluators.user import object_evaluator

        made, source = object_evaluator(function)
        return made, {"evaluator": {"function": str(text), "source": source}}
    if text == "proxy":
        from effsearch.training.trials.proxy import make_proxy

        return make_proxy(data, recipe, max_images, device, columns=columns, skip_bad=skip_bad)
    if text.endswith(".csv"):
        from effsearch.nas.evaluators.table import load_table

        table = load_table(Path(text), space, table_missing)
        return table, {
            "evaluator": {"table": text, "networks": len(table.rows), "digest": table.digest}
        }
    if ":" in text:
        from effsearch.nas.evaluators.user import load_user_evaluator

        user = load_user_evaluator(text)
        return user, {"evaluator": {"function": text, "source": user.source}}
    if text.endswith(".py"):
        raise InputError(f"evaluator '{text}' names no function of it: give {text}:evaluate")
    known = ["proxy", "TABLE.csv", "package.module:function", "file.py:function"]
    raise unknown_name("evaluator", text, known)

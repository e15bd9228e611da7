"""Evaluators by what the user writes: proxy, TABLE.csv, module:function, file.py:function."""

from pathlib import Path

from nas.evaluators.base import Evaluator
from search_spaces.errors import InputError, unknown_name


def make_evaluator(
    text: str, *, data: str, recipe: dict[str, object], max_images: int | None, device: str
) -> tuple[Evaluator, dict[str, object]]:
    """An evaluator, and what the run's record says of it.

    Args:
        text: what the user wrote.
        data: dataset of proxy training.
        recipe: options of proxy training over the dataset's defaults.
        max_images: sample of the training part to decode; None for all.
        device: of proxy training.

    Raises:
        InputError: no such evaluator, or it cannot work as asked: its file, data or options.
    """
    if text == "proxy":
        return _proxy(data, recipe, max_images, device)
    if text.endswith(".csv"):
        from nas.evaluators.table import load_table

        table = load_table(Path(text))
        return table, {"evaluator": {"table": text, "networks": len(table.rows)}}
    if ":" in text:
        from nas.evaluators.user import load_user_evaluator

        user = load_user_evaluator(text)
        return user, {"evaluator": {"function": text, "source": user.source}}
    known = ["proxy", "TABLE.csv", "package.module:function", "file.py:function"]
    raise unknown_name("evaluator", text, known)


def _proxy(
    data: str, options: dict[str, object], max_images: int | None, device: str
) -> tuple[Evaluator, dict[str, object]]:
    from dataclasses import asdict

    from nas.evaluators.proxy import ProxyEvaluator
    from training.dataset import load_train
    from training.recipe import proxy_recipe
    from training.split import stratified_split

    recipe = proxy_recipe(data, options)
    dataset = load_train(data, resolution=recipe.resolution, max_images=max_images)
    # Found here rather than in every worker: a class too small to be split.
    train, held_out = stratified_split(
        dataset.labels, recipe.validation, recipe.split_seed, dataset.class_names
    )
    if len(train) < 2:
        raise InputError(f"'{data}' leaves {len(train)} images to train on: give more images")
    record: dict[str, object] = {
        "data": {
            "name": data,
            "fingerprint": dataset.fingerprint,
            "train_images": len(train),
            "validation_images": len(held_out),
            "classes": dataset.classes,
        },
        "recipe": asdict(recipe),
    }
    return ProxyEvaluator(dataset, recipe, device), record

"""What a training came to, in words."""

import math
from collections.abc import Mapping
from typing import Any

from effsearch.results.report.steps import Step, Words, command, data_name, duration, go_on, percent
from effsearch.results.statistics import CONFIDENCE
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.units import format_count

_QUANTILE = 1.645  # of the normal distribution, for CONFIDENCE
_OVERFIT = 0.2  # nats by which the validation loss has risen above its lowest


def tell_training(data: RunData) -> Words:
    """The model, its accuracy and what that rests on, how it trained, what to do with it."""
    if not data.rows:
        return Words(("The training has no finished epochs yet.",), go_on(data))
    answer = data.answer
    if answer is None:
        return Words((_so_far(data),), go_on(data))
    parts = answer["accuracy"]
    said = [
        f"Found: {_model(data, answer)}; {_accuracy(data, parts)}.",
        f"Budget: {answer['epochs']} epochs in {duration(answer['seconds'])} on "
        f"{answer['device']}, {answer['images_per_second']:g} images a second at the end; the "
        f"model kept is epoch {answer['best_epoch']}'s.",
        _certainty(parts),
    ]
    said += _course(data)
    name = data.reference
    steps = (
        Step("Measure it on other images", command(data, f"evaluate {name} --data PATH")),
        Step("Export it", command(data, f"export {name} --format onnx --output model.onnx")),
    )
    return Words(tuple(said), (*go_on(data), *steps))


def _so_far(data: RunData) -> str:
    last = data.rows[-1]
    measured = [row["top1"] for row in data.rows if row["top1"] is not None]
    best = f"; best top-1 so far {percent(max(measured))}" if measured else ""
    epochs = data.record.get("recipe", {}).get("epochs")
    of = f" of {epochs}" if epochs else ""
    return f"So far: epoch {last['epoch']:g}{of}, training loss {last['train_loss']:.4f}{best}."


def _model(data: RunData, answer: Mapping[str, Any]) -> str:
    source = data.record.get("model")
    name = f" ({source})" if isinstance(source, str) else ""
    return (
        f"network {answer['id']}{name} with {format_count(answer['macs'])} multiply-adds and "
        f"{format_count(answer['params'])} parameters at {answer['resolution']} pixels"
    )


def _accuracy(data: RunData, parts: Mapping[str, Any]) -> str:
    where = f" of {data_name(data)}" if data_name(data) else ""
    said = [
        f"top-1 {percent(part['top1'])} on the {name} images{where}"
        for name, part in sorted(parts.items())
        if part
    ]
    return ", ".join(said) or "its accuracy is not known, as nothing was held out"


def _certainty(parts: Mapping[str, Any]) -> str:
    """The interval that the number of images alone gives (normal approximation)."""
    part = parts.get("test") or parts.get("validation")
    if not part:
        return "How sure: nothing was held out."
    top1, images = part["top1"], part["images"]
    reach = _QUANTILE * math.sqrt(max(top1 * (1 - top1), 0.25 / images) / images)
    bounds = f"{percent(max(0.0, top1 - reach))} and {percent(min(1.0, top1 + reach))}"
    said = (
        f"How sure: {images:,} images put it between {bounds} ({CONFIDENCE:.0%} interval); another "
        "seed would move it too."
    )
    if not parts.get("test"):
        said += " The epoch was picked by these very images, so it lies a little high."
    return said


def _course(data: RunData) -> list[str]:
    """What the curves show: a validation loss that rises again, or one that still falls."""
    losses = [row["validation_loss"] for row in data.rows if row["validation_loss"] is not None]
    if len(losses) < 3:
        return []
    if losses[-1] - min(losses) > _OVERFIT:
        return ["The validation loss rose again: it began to learn its training images by heart."]
    return []

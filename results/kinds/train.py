"""Train runs: epochs, losses, accuracy, and what the model is good for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from effsearch.results.formatting import number
from effsearch.results.kinds.kind import Counts, Document, Following, Kind, Opening, Step
from effsearch.results.kinds.opening import command, data_name, duration, go_on, percent
from effsearch.results.plots import network, training
from effsearch.results.statistics import CONFIDENCE
from effsearch.results.store.answer import Answer
from effsearch.results.store.kind_table import Row, Table, read_table
from effsearch.results.store.run import Run
from effsearch.results.store.run_data import RunData
from effsearch.results.text_plot import plot_text, x_labels
from effsearch.search_spaces.units import format_count, plural

TABLE = Table(
    file="metrics.csv",
    title="The epochs",
    numbers=(
        "epoch", "step", "learning_rate", "resolution_px", "train_loss", "validation_loss", "top1",
        "top5", "seconds", "images_per_second",
    ),
    known=("epoch", "step"),
    shown=(
        "epoch", "learning_rate", "resolution_px", "train_loss", "validation_loss", "top1", "top5",
        "seconds", "images_per_second",
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TrainAnswer(Answer):
    """The content of `train.json`.

    Attributes:
        model, id, notation: of the network, as it was named, and as it was trained.
        accuracy: the best epoch's model, by part of the data (`validation`, `test`): images, top-1
            and top-5 as fractions, loss; None for a part that is not there.
        per_class: the same by class, of the test part or else the validation part.
        last_epoch: training loss and top-1 of the last epoch.
        images_per_second: of the last epoch's training.
        seconds: of all epochs.
        checkpoints: files in the run directory.
        start: the checkpoint whose weights it began with; None for none.
    """

    schema_version: int = 1
    kind: str
    run: str
    model: str
    id: str
    notation: str
    params: int
    macs: int
    memory_bytes: int
    resolution: int
    classes: int
    epochs: int
    best_epoch: int
    accuracy: dict[str, dict[str, Any] | None]
    per_class: list[dict[str, Any]]
    last_epoch: dict[str, float | None]
    images_per_second: float
    seconds: float
    checkpoints: dict[str, str]
    start: str | None = None
    data: dict[str, Any]
    recipe: dict[str, Any]
    device: str
    flops_convention: str
    versions: dict[str, Any]
    architecture: dict[str, Any]

    @property
    def measured(self) -> dict[str, Any] | None:
        """The figures to go by: of the test part, or else of the validation part."""
        return self.accuracy.get("test") or self.accuracy.get("validation")


_QUANTILE = 1.645  # of the normal distribution, for CONFIDENCE
_OVERFIT = 0.2  # nats by which the validation loss has risen above its lowest


def _opening(data: RunData) -> Opening:
    """The model, its accuracy and what that rests on, how it trained, what to do with it."""
    if not data.rows:
        return Opening(("The training has no finished epochs yet.",), go_on(data))
    if data.answer is None:
        return Opening((_so_far(data),), go_on(data))
    answer = TrainAnswer.from_dict(data.answer)
    said = [
        f"Found: {_model(data, answer)}; {_accuracy(data, answer)}.",
        f"Budget: {plural(answer.epochs, 'epoch')} in {duration(answer.seconds)} on "
        f"{answer.device}, {answer.images_per_second:g} images a second at the end; the "
        f"model kept is epoch {answer.best_epoch}'s.",
        _certainty(answer),
    ]
    said += _course(data)
    name = data.reference
    steps = (
        Step("Measure it on other images", command(data, f"evaluate {name} --data PATH")),
        Step("Export it", command(data, f"export {name} --format onnx --output model.onnx")),
    )
    return Opening(tuple(said), (*go_on(data), *steps))


def _so_far(data: RunData) -> str:
    last = data.rows[-1]
    top1 = _best(data.rows)
    best = "" if top1 is None else f"; best top-1 so far {percent(top1)}"
    epochs = data.record.get("recipe", {}).get("epochs")
    of = f" of {epochs}" if epochs else ""
    return f"So far: epoch {last['epoch']:g}{of}, training loss {last['train_loss']:.4f}{best}."


def _model(data: RunData, answer: TrainAnswer) -> str:
    source = data.record.get("model")
    name = f" ({source})" if isinstance(source, str) else ""
    return (
        f"network {answer.id}{name} with {format_count(answer.macs)} multiply-adds and "
        f"{format_count(answer.params)} parameters at {answer.resolution} pixels"
    )


def _accuracy(data: RunData, answer: TrainAnswer) -> str:
    where = f" of {data_name(data)}" if data_name(data) else ""
    said = [
        f"top-1 {percent(part['top1'])} on the {name} images{where}"
        for name, part in sorted(answer.accuracy.items())
        if part
    ]
    return ", ".join(said) or "its accuracy is not known, as nothing was held out"


def _certainty(answer: TrainAnswer) -> str:
    """The interval that the number of images alone gives (normal approximation)."""
    part = answer.measured
    if not part:
        return "How sure: nothing was held out."
    top1, images = part["top1"], part["images"]
    reach = _QUANTILE * math.sqrt(max(top1 * (1 - top1), 0.25 / images) / images)
    bounds = f"{percent(max(0.0, top1 - reach))} and {percent(min(1.0, top1 + reach))}"
    said = (
        f"How sure: {images:,} images put it between {bounds} ({CONFIDENCE:.0%} interval); another "
        "seed would move it too."
    )
    if not answer.accuracy.get("test"):
        said += " The epoch was picked by these very images, so it lies a little high."
    return said


def _course(data: RunData) -> list[str]:
    """What the curves show: a validation loss that rises again, or one that still falls."""
    losses = [row["validation_loss"] for row in data.rows if row["validation_loss"] is not None]
    if len(losses) < 3:
        return []
    if losses[-1] - min(losses) > _OVERFIT:
        return ["The validation loss rose again: it has begun to memorise its training images."]
    return []


def _heading(data: RunData) -> str:
    best = _best(data.rows)
    return "" if best is None else f"top-1 {percent(best)} on validation"


def _best(rows: Sequence[Row]) -> float | None:
    return max((row["top1"] for row in rows if row["top1"] is not None), default=None)


def _count(run: Run) -> Counts:
    """Epochs, and the best top-1 on the validation part."""
    rows = read_table(run.path, TABLE)
    recipe = run.record.get("recipe")
    planned = recipe.get("epochs") if isinstance(recipe, dict) else None
    asked = planned if isinstance(planned, int) else len(rows)
    return Counts(asked=asked, done=len(rows), best_accuracy=_best(rows))


def _described(counts: Counts) -> dict[str, Any]:
    epochs = {"done": counts.done, "planned": counts.asked}
    return {"epochs": epochs, "best_top1": counts.best_accuracy}


def _essentials(document: Document) -> list[tuple[str, str]]:
    epochs, top1 = document["epochs"], number("accuracy", document["best_top1"])
    return [
        ("epochs", f"{epochs['done']} of {epochs['planned']}"),
        ("best", f"top-1 {top1} on the validation part"),
    ]


def _look(run: Run) -> dict[str, Any]:
    """The epochs so far."""
    rows = read_table(run.path, TABLE)
    return {
        **_described(_count(run)),
        "last": rows[-1] if rows else None,
        "top1": [row["top1"] for row in rows],
        "train_loss": [row["train_loss"] for row in rows],
    }


def _line(document: Document) -> list[str]:
    epochs, last, best = document["epochs"], document["last"], document["best_top1"]
    parts = [f"{epochs['done']}/{epochs['planned']} epochs"]
    if last:
        parts.append(f"training loss {last['train_loss']:.4f}")
        parts.append(f"{last['images_per_second']:.0f} images a second")
    return [*parts, "no top-1 yet" if best is None else f"best top-1 {best:.4f}"]


def _picture(document: Document) -> list[str]:
    """Top-1 (upwards) over epochs."""
    points = [(epoch, top1) for epoch, top1 in enumerate(document["top1"], 1) if top1 is not None]
    if not points:
        return ["", "no finished epochs yet"]
    labels = x_labels("epoch 1", f"{points[-1][0]:g}")
    return ["", *plot_text(points, ()), labels, "top-1 on the validation part upwards"]


KIND = Kind(
    name="train",
    noun="training",
    resumed_by="train",
    has_trials=False,
    table=TABLE,
    plots=(training.TRAINING, network.NETWORK),
    opening=_opening,
    heading=_heading,
    following=Following(
        count=_count,
        described=_described,
        essentials=_essentials,
        grows=TABLE.file,
        look=_look,
        line=_line,
        picture=_picture,
    ),
)

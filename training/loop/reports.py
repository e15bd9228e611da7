"""What a training tells while it runs and when it is done.

Losses are means per image, accuracies are fractions, seconds are wall-clock.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeAlias


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """Where a training stands within an epoch.

    Attributes:
        epoch: from 1; epochs: of the whole training.
        step: steps of this epoch that are done; steps: of the epoch.
        images: trained on in this epoch, by all workers together.
        seconds: since the epoch began, time before a resumption counted in.
        loss: mean of this epoch so far.
        learning_rate: of the last step.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    images: int
    seconds: float
    loss: float
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """What one epoch came to.

    Validation is of the averaged weights where the recipe averages them; its three figures are nan
    where nothing is held out.

    Attributes:
        epoch: from 1; epochs: of the whole training.
        learning_rate: of the last step.
        resolution: of the training images, in pixels.
        seconds: of the epoch, validation counted in.
        images_per_second: trained on by all workers together, validation aside.
        averaged: whether the averaged weights (EMA) were validated.
        diverged_at: step of the whole training, from 1, by which the loss was found to be no
            finite number; None while it is one. Training ends there.
    """

    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float
    accuracy: float
    top5: float
    learning_rate: float
    resolution: int
    seconds: float
    images_per_second: float
    averaged: bool = False
    diverged_at: int | None = None

    @property
    def diverged(self) -> bool:
        """Whether a loss is not a finite number."""
        return self.diverged_at is not None

    @property
    def validated(self) -> bool:
        """Whether there was anything to validate on."""
        return not math.isnan(self.accuracy)


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """What one training came to.

    Attributes:
        accuracy: top-1 on the validation part after the last epoch, a fraction; nan if diverged or
            if nothing was held out.
        best_accuracy: the best epoch's; nan if none was finite.
        loss: mean training loss of the last epoch; not finite if diverged.
        curve: one report an epoch, those before a resumption too.
        seconds: wall-clock of this call.
        images_per_second: training images over the seconds of the last epoch, validation aside.
        diverged: a loss stopped being a finite number, and training stopped there.
    """

    accuracy: float
    best_accuracy: float
    loss: float
    curve: tuple[EpochReport, ...]
    seconds: float
    images_per_second: float
    diverged: bool


OnStep: TypeAlias = Callable[[StepReport], None]
OnEpoch: TypeAlias = Callable[[EpochReport], None]


def training_result(curve: tuple[EpochReport, ...], seconds: float) -> TrainingResult:
    """The result of a training by its epochs, one or more."""
    last = curve[-1]
    accuracies = [r.accuracy for r in curve if r.validated and not r.diverged]
    return TrainingResult(
        accuracy=math.nan if last.diverged else last.accuracy,
        best_accuracy=max(accuracies, default=math.nan),
        loss=last.train_loss,
        curve=curve,
        seconds=seconds,
        images_per_second=last.images_per_second,
        diverged=last.diverged,
    )


def report_to_json(report: EpochReport) -> dict[str, Any]:
    """A report as JSON data, which knows no NaN and no infinity: None, `"inf"` and `"-inf"`."""
    return {name: _to_json(value) for name, value in asdict(report).items()}


def report_from_json(row: Mapping[str, Any]) -> EpochReport:
    """The report that `report_to_json` was given."""
    floats = {field.name for field in fields(EpochReport) if field.type is float}
    values: dict[str, Any] = {
        name: float("nan" if value is None else value) if name in floats else value
        for name, value in row.items()
    }
    return EpochReport(**values)


def _to_json(value: Any) -> Any:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)

"""What a training found: `train.json`, and the same as a Python object."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from effsearch.results.kinds.train import TrainAnswer
from effsearch.results.store.run import Run
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture
from effsearch.training.loop.evaluation import Evaluation
from effsearch.training.loop.reports import EpochReport
from effsearch.training.runs.checkpointer import TrainPaths
from effsearch.training.runs.session import FinishedTraining


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """A trained model.

    Attributes:
        run: name such as `train/001`.
        path: its directory.
        architecture: as trained: its resolution, classes and stem are the training's.
        accuracy: top-1 of the best epoch's model on the validation part, a fraction; None where
            nothing was held out.
        test_accuracy: on the test part; None where the data has none.
        best_epoch: from 1.
        best: model file of that epoch, for `effsearch.load_model`.
        last: checkpoint that `--resume` starts from.
        curve: one report an epoch.
        answer: the content of `train.json`.

    Example:
        >>> import effsearch
        >>> result = effsearch.train("efficientnet-b0", data="digits", epochs=5)
        >>> len(result.curve) >= 1, result.best.name
        (True, 'best.safetensors')
    """

    run: str
    path: Path
    architecture: Architecture
    accuracy: float | None
    test_accuracy: float | None
    best_epoch: int
    best: Path
    last: Path
    curve: tuple[EpochReport, ...]
    answer: dict[str, Any]


def make_answer(
    run: Run,
    architecture: Architecture,
    trained: FinishedTraining,
    parts: dict[str, Evaluation | None],
) -> TrainResult:
    """The answer of a training that is done.

    Args:
        parts: the best epoch's model on `validation` and `test`; None where there is none.
    """
    paths, curve, best = TrainPaths(run.path), trained.curve, trained.best
    measured = parts.get("test") or parts.get("validation")
    answer = TrainAnswer(
        kind=run.kind,
        run=run.reference,
        model=run.record["model"],
        id=architecture.id,
        notation=format_architecture(architecture),
        **asdict(cost(architecture)),
        resolution=architecture.resolution,
        classes=architecture.classes,
        epochs=len(curve),
        best_epoch=best.epoch,
        accuracy={name: _figures(part) for name, part in parts.items()},
        per_class=[asdict(score) for score in measured.classes] if measured else [],
        last_epoch={
            "train_loss": curve[-1].train_loss,
            "top1": curve[-1].accuracy if curve[-1].validated else None,
        },
        images_per_second=round(curve[-1].images_per_second, 1),
        seconds=round(sum(report.seconds for report in curve), 2),
        checkpoints={
            "best": str(paths.best.relative_to(run.path)),
            "last": str(paths.last.relative_to(run.path)),
        },
        start=run.record.get("start"),
        data=run.record["data"],
        recipe=run.record["recipe"],
        device=run.record["device"],
        flops_convention=run.record["flops_convention"],
        versions=run.record["versions"],
        architecture=architecture.to_dict(),
    )
    return TrainResult(
        run=run.reference,
        path=run.path,
        architecture=architecture,
        accuracy=_top1(parts.get("validation")),
        test_accuracy=_top1(parts.get("test")),
        best_epoch=best.epoch,
        best=paths.best,
        last=paths.last,
        curve=curve,
        answer=answer.to_dict(),
    )


def _figures(part: Evaluation | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {"images": part.images, "top1": part.top1, "top5": part.top5, "loss": part.loss}


def _top1(part: Evaluation | None) -> float | None:
    return None if part is None else part.top1

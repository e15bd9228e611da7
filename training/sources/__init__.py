"""Where a training's batches come from: images on the device, or streamed by worker processes."""

from effsearch.training.sources.base import Batches, EvaluationView, ImageSource, TrainView
from effsearch.training.sources.opening import open_source
from effsearch.training.sources.resident import ResidentSource
from effsearch.training.sources.streamed import StreamedSource

__all__ = [
    "Batches",
    "EvaluationView",
    "ImageSource",
    "ResidentSource",
    "StreamedSource",
    "TrainView",
    "open_source",
]

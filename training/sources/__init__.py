"""Where a training's batches come from: images on the device, or streamed by worker processes."""

from training.sources.base import Batches, EvaluationView, ImageSource, TrainView
from training.sources.opening import open_source
from training.sources.resident import ResidentSource
from training.sources.streamed import StreamedSource

__all__ = [
    "Batches",
    "EvaluationView",
    "ImageSource",
    "ResidentSource",
    "StreamedSource",
    "TrainView",
    "open_source",
]

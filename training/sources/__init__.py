"""Where a training's batches come from: images on the device, or streamed by worker processes."""

from training.sources.base import Batches, ImageSource
from training.sources.opening import open_source
from training.sources.resident import ResidentSource
from training.sources.streamed import StreamedSource

__all__ = ["Batches", "ImageSource", "ResidentSource", "StreamedSource", "open_source"]

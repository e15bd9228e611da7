"""A trained model as a checked file for elsewhere: ONNX, TorchScript or safetensors."""

from effsearch.training.export.exported import Export
from effsearch.training.export.exporting import check_export_options, export_model

__all__ = ["Export", "check_export_options", "export_model"]

"""A trained model as a checked file for elsewhere: ONNX, TorchScript or safetensors."""

from training.export.exporting import Export, check_export_options, export_model

__all__ = ["Export", "check_export_options", "export_model"]

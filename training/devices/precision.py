"""Computing in fewer bits where a precision asks for it."""

import torch


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Inside the block convolutions and products compute in bfloat16 if `precision` is that."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16)

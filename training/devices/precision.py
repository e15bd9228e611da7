"""Computing in fewer bits where a precision asks for it."""

import torch


def autocast(
    device: torch.device, precision: torch.dtype, *, cached: bool = True
) -> torch.autocast:
    """Inside the block convolutions and products compute in bfloat16 if `precision` is that.

    Args:
        cached: weights are cast once in the block, however often they are used.
    """
    return torch.autocast(
        device.type,
        dtype=torch.bfloat16,
        enabled=precision == torch.bfloat16,
        cache_enabled=cached,
    )

"""Which algorithms a CUDA device convolves with."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

WORTH_STEPS = 2000
"""Trying all algorithms takes some seconds a network, which a short training does not win back."""


@contextmanager
def fastest_convolutions(device: torch.device, steps: int) -> Iterator[None]:
    """Let cuDNN try its algorithms on every new shape, where a training is long enough for it."""
    if device.type != "cuda" or steps < WORTH_STEPS:
        yield
        return
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before

"""A network whose passes are captured once as CUDA graphs, and then replayed.

A small network on small images asks for more kernels than a processor can launch in the time that
they take. A graph launches all of a pass at once.
"""

import torch
from torch import Tensor, nn

from effsearch.training.devices.precision import autocast


def captured(network: nn.Module, images: Tensor, precision: torch.dtype) -> nn.Module:
    """A module that gives the network's logits, and its parameters their gradients, by replays.

    For training passes of images like these alone: what the host decides in a pass, such as the
    probability of dropout, stays as it is now. Random numbers are new in each replay, and those
    of an ordinary pass. The network itself, its buffers and torch's random state are left as they
    were. Gradients must be cleared to None between passes, and do not add up.

    Args:
        network: in training, on the device of the images; it has no hooks.
        images: float32 (N, 3, H, W) on a CUDA device.
        precision: that convolutions and products compute in.
    """
    before = [buffer.clone() for buffer in network.buffers()]
    with torch.cuda.device(images.device), torch.random.fork_rng(devices=[images.device]):
        passes = _Pass(network, precision)
        torch.cuda.make_graphed_callables(passes, (images.detach().clone(),))
    with torch.no_grad():  # the passes that warm up have moved the statistics
        for buffer, value in zip(network.buffers(), before, strict=True):
            buffer.copy_(value)
    return passes


class _Pass(nn.Module):
    """Takes the replays in the network's place, which so stays as it is."""

    def __init__(self, network: nn.Module, precision: torch.dtype) -> None:
        super().__init__()
        self.network = network
        self._precision = precision

    def forward(self, images: Tensor) -> Tensor:
        # A cache of cast weights would outlive the pass that is captured.
        with autocast(images.device, self._precision, cached=False):
            logits: Tensor = self.network(images)
        return logits

"""A moving average of a network's weights, which is validated and kept in their place."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of all that a network's state dict holds.

    The statistics of batch normalization are averaged too, as in EfficientNet's code: averaged
    weights beside the latest statistics would be normalised by another network's. Counters are
    copied.

    Args:
        network: on its device; the average starts at its weights.
        decay: in (0, 1). That of update t is at most (1 + t) / (10 + t): an average of .9999
            would stay at the first weights for the whole of a short training.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        # The live tensors: optimizers and loading change them in place.
        self._watched = network.state_dict()
        self._averages = {name: value.detach().clone() for name, value in self._watched.items()}
        self._real = [name for name, value in self._watched.items() if value.is_floating_point()]
        self._counted = [name for name in self._watched if name not in set(self._real)]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 0."""
        decay = average_decay(step, self._decay)
        torch._foreach_lerp_(
            [self._averages[name] for name in self._real],
            [self._watched[name] for name in self._real],
            1 - decay,
        )
        if self._counted:
            torch._foreach_copy_(
                [self._averages[name] for name in self._counted],
                [self._watched[name] for name in self._counted],
            )

    def state_dict(self) -> dict[str, Tensor]:
        """The averages by the network's names; filled in place they are restored."""
        return dict(self._averages)

    @contextmanager
    def applied_to(self, network: nn.Module) -> Iterator[None]:
        """The network has the averages inside the block, and its own weights again after it."""
        weights = network.state_dict()
        own = {name: value.detach().clone() for name, value in weights.items()}
        _copy(self._averages, weights)
        try:
            yield
        finally:
            _copy(own, weights)


def average_decay(step: int, decay: float) -> float:
    """Decay of an update, counted from 0."""
    return min(decay, (1 + step) / (10 + step))


@torch.no_grad()
def _copy(source: dict[str, Tensor], target: dict[str, Tensor]) -> None:
    for name, value in target.items():
        value.copy_(source[name])

"""The workers that share one training: who this one is, and sums over all of them.

Without a process group a training is its own team of one, and every operation here is free.
"""

from dataclasses import dataclass

import torch.distributed
from torch import Tensor


@dataclass(frozen=True)
class Team:
    """This worker's rank, 0..size−1, among `size` workers of torch's default process group."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one worker that talks and writes."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """Sum a tensor over all workers, in place; every worker must call it."""
        if self.size > 1:
            torch.distributed.all_reduce(tensor)
        return tensor


SOLO = Team()

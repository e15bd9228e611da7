"""Seeds: what is random in a training follows from one number and a place in the training.

So no generator's state has to be stored: step 1,000 draws the same numbers whether the steps
before it were run in this process or before a resumption.
"""

import hashlib
from collections.abc import Callable

import torch
from torch import nn


def mixed_seed(*numbers: int) -> int:
    """One seed of several numbers; neighbouring ones have nothing in common.

    Spread over all bits, because torch's generator on the CPU looks at the lower 32 alone.
    """
    digest = hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def build_seeded(factory: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Build a network whose initial weights depend on ``seed`` alone.

    The caller's random state (of the CPU) is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return factory()

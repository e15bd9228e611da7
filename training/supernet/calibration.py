"""Normalization of a network that was cut: its statistics are those of its own activations.

A supernet has no statistics to share, for each network's are others (BigNAS, arXiv 2003.11142,
section 3.3). They are measured on training images before a network is used.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.network import Network

FEWEST_IMAGES = 32
"""Training images without which no statistics are measured."""


def check_enough(images: int, data: str) -> None:
    """Refuse to measure statistics on next to nothing.

    Raises:
        InputError: fewer images than `FEWEST_IMAGES`; `data` is what they are called.
    """
    if images < FEWEST_IMAGES:
        raise InputError(
            f"'{data}' leaves {images} training images, too few to recalibrate normalization of a "
            f"network that is cut from a supernet: give at least {FEWEST_IMAGES}"
        )


def recalibrate(network: Network, batches: Sequence[Tensor]) -> Network:
    """Measure the statistics of a network's normalization; it is left in evaluation mode.

    Args:
        network: with weights; earlier statistics are forgotten.
        batches: normalised training images (N, 3, R, R), equally many in each.

    Raises:
        EffsearchError: an activation is no finite number.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        like = norm.weight
        norm.track_running_stats = True
        norm.running_mean = torch.zeros_like(like.detach())
        norm.running_var = torch.ones_like(like.detach())
        norm.num_batches_tracked = torch.zeros((), dtype=torch.long, device=like.device)
        norm.momentum = None  # the mean over all batches
    network.train()
    dropout = network.dropout.p
    network.dropout.p = 0.0
    with torch.no_grad():
        for batch in batches:
            network(batch)
    network.dropout.p = dropout
    for norm in norms:
        norm.momentum = 0.1
        if norm.running_var is None or not bool(norm.running_var.isfinite().all()):
            raise EffsearchError(
                f"network {network.architecture.id} overflows with the supernet's weights: the "
                "supernet diverged, train it again with a smaller learning rate"
            )
    return network.eval()

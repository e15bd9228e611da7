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
    dropout = network.dropout.p
    network.dropout.p = 0.0
    recalibrate_module(network, batches, network.architecture.id)
    network.dropout.p = dropout
    return network


def recalibrate_module(module: nn.Module, batches: Sequence[Tensor], of: str) -> list[Tensor]:
    """The same of a part of a network, without dropout; `of` is the network's id in an error.

    Returns:
        What the part made of each batch with the batch's own statistics: what lies behind it is
        recalibrated on that.
    """
    norms = [one for one in module.modules() if isinstance(one, nn.BatchNorm2d)]
    for norm in norms:
        like = norm.weight.detach()
        norm.track_running_stats = True
        norm.running_mean = torch.zeros_like(like)
        norm.running_var = torch.ones_like(like)
        norm.num_batches_tracked = torch.zeros((), dtype=torch.long, device=like.device)
    module.train()
    seen = []
    with torch.no_grad():
        for number, batch in enumerate(batches, 1):
            for norm in norms:
                # The mean over all batches; a momentum of None is it too, and asks the device.
                norm.momentum = 1 / number
            seen.append(module(batch.clone()))  # activations may work in place
    for norm in norms:
        norm.momentum = 0.1
    spreads = [norm.running_var.isfinite().all() for norm in norms if norm.running_var is not None]
    if spreads and not bool(torch.stack(spreads).all()):
        raise EffsearchError(
            f"network {of} overflows with the supernet's weights: the supernet diverged, train it "
            "again with a smaller learning rate"
        )
    module.eval()
    return seen

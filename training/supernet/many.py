"""Many networks of one supernet at once: what two of them begin with is run and recalibrated once.

A network's normalization depends on what lies before it alone. So networks in the order of their
blocks are a walk through a tree: statistics and feature maps of a common beginning are kept on a
stack, and only what differs is computed. Accuracies are those of recalibrating and evaluating each
by itself.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.network import Network
from effsearch.search_spaces.stage_blocks import stage_blocks
from effsearch.training.supernet.calibration import recalibrate_module
from effsearch.training.supernet.supernet import Supernet

Key = tuple[Hashable, ...]


@dataclass(frozen=True)
class _Seen:
    """Feature maps behind a beginning: of the calibration batches, and of the held-out ones."""

    key: Key
    calibration: list[Tensor]
    held_out: list[Tensor]


def accuracies(
    supernet: Supernet,
    networks: Sequence[Architecture],
    calibration: Sequence[Tensor],
    held_out: Sequence[Tensor],
    labels: Sequence[Tensor],
) -> list[float]:
    """Top-1 of networks on held-out images, in the order they are given.

    Args:
        supernet: trained, on the images' device.
        networks: as its space decodes them.
        calibration: normalised training images (N, 3, R, R), equally many in each batch.
        held_out: normalised images (N, 3, R, R).
        labels: int64 (N,) of each of these batches.

    Raises:
        EffsearchError: a network overflows.
    """
    walks = [_steps(network) for network in networks]
    order = sorted(range(len(networks)), key=lambda place: repr(walks[place]))
    modules: dict[Key, nn.Module] = {}
    stack: list[_Seen] = []
    found = [0.0] * len(networks)
    total = sum(len(one) for one in labels)
    with torch.no_grad():
        for place in order:
            steps = walks[place]
            common = 0
            while common < min(len(stack), len(steps)) and stack[common].key == steps[common]:
                common += 1
            del stack[common:]
            if any(step not in modules for step in steps):
                _keep_modules(supernet, networks[place], steps, modules)
            for step in steps[common:]:
                before = stack[-1] if stack else _Seen((), list(calibration), list(held_out))
                module = modules[step]
                seen = recalibrate_module(module, before.calibration, networks[place].id)
                shown = [module(batch.clone()) for batch in before.held_out]
                stack.append(_Seen(step, seen, shown))
            logits = stack[-1].held_out
            right = [
                (one.argmax(1) == wanted).sum() for one, wanted in zip(logits, labels, strict=True)
            ]
            found[place] = int(torch.stack(right).sum()) / total
    return found


def _steps(network: Architecture) -> list[Key]:
    """What a network is made of, part by part; equal beginnings are equal parts."""
    whole = (network.activation, network.norm_eps)
    steps: list[Key] = [("stem", whole, network.stem)]
    channels = network.stem.channels
    for number, stage in enumerate(network.stages):
        steps += [
            ("block", whole, number, layer, block)
            for layer, block in enumerate(stage_blocks(stage, channels))
        ]
        channels = stage.channels
    return [*steps, ("head", whole, network.head, channels)]


def _keep_modules(
    supernet: Supernet,
    architecture: Architecture,
    steps: Sequence[Key],
    modules: dict[Key, nn.Module],
) -> None:
    network = supernet.cut(architecture)
    network.dropout.p = 0.0
    parts: Iterator[nn.Module] = iter((network.stem, *network.blocks))
    for step in steps[:-1]:
        modules.setdefault(step, next(parts))
    modules.setdefault(steps[-1], _Head(network))


class _Head(nn.Module):
    """All that follows the blocks of a network."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        network.stem = nn.Sequential()
        network.blocks = nn.Sequential()
        self.network = network

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.network(features)
        return logits

"""Stages that learn one by one: what a stage is of a network, and how far it is from another's.

A stage reads a teacher's feature maps and is held to what the teacher's own stage makes of them.
Where it has fewer channels, it reads the first ones, and is held to the first ones: stages that
learned so stand in a row as a network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from effsearch.search_spaces.network import Network
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.search_spaces.stage_blocks import stage_blocks

_FAINT = 0.1  # of the mean variance: channels fainter than that count less
_LEAST = 1e-5


@dataclass(frozen=True)
class FeatureMaps:
    """What a network's stem and each of its stages made of images, (N, C, H, W) each."""

    stem: Tensor
    stages: Sequence[Tensor]


def stages_of(network: Network) -> list[nn.Sequential]:
    """The blocks of a network, stage by stage."""
    blocks = list(network.blocks)
    channels = network.architecture.stem.channels
    found = []
    for stage in network.architecture.stages:
        count = len(stage_blocks(stage, channels))
        found.append(nn.Sequential(*blocks[:count]))
        del blocks[:count]
        channels = stage.channels
    return found


def feature_maps(network: Network, images: Tensor) -> FeatureMaps:
    """What a network makes of images (N, 3, R, R) on its way."""
    stem: Tensor = network.stem(images)
    found: list[Tensor] = []
    for stage in stages_of(network):
        before = found[-1] if found else stem
        found.append(stage(before.clone()))  # activations may work in place
    return FeatureMaps(stem, found)


def losses_by_stage(
    network: Network, images: Tensor, labels: Tensor, teacher: FeatureMaps, smoothing: float
) -> tuple[Tensor, Tensor]:
    """How far each part of a network is from a teacher's, on the teacher's feature maps.

    Args:
        network: no wider than the teacher at the end of any stage.
        images: (N, 3, R, R).
        labels: int64 (N,), for the head: it reads the teacher's last maps.
        smoothing: of the labels.

    Returns:
        Distances of the stem and of each stage (1 + stages,), and the head's loss ().
    """
    found = [distance(network.stem(images), teacher.stem)]
    before, channels = teacher.stem, network.architecture.stem.channels
    for module, stage, wanted in zip(
        stages_of(network), network.architecture.stages, teacher.stages, strict=True
    ):
        found.append(distance(module(_first(before, channels)), wanted))
        before, channels = wanted, stage.channels
    last = _first(before, channels)
    head = network.classify(last if network.architecture.head.pooled else network.head(last))
    return torch.stack(found), F.cross_entropy(head.float(), labels, label_smoothing=smoothing)


def distance(found: Tensor, wanted: Tensor) -> Tensor:
    """1 less the correlation with the wanted maps, mean over channels; 0 where they are alike.

    Offset and scale are left out: the layers behind have normalization of their own, and stages
    with and without a shortcut differ in scale by their make, which shared weights cannot undo.

    Args:
        found: (N, C, H, W).
        wanted: (N, D, H, W) with D at least C; the first C channels are looked at.
    """
    found, wanted = found.float(), wanted[:, : found.shape[1]].float()
    found = found - found.mean((0, 2, 3), keepdim=True)
    wanted = wanted - wanted.mean((0, 2, 3), keepdim=True)
    ours, theirs = found.square().mean((0, 2, 3)), wanted.square().mean((0, 2, 3))
    common = (found * wanted).mean((0, 2, 3))
    correlation = common / ((ours + _LEAST).sqrt() * (theirs + _LEAST).sqrt())
    weight = theirs / (theirs + _FAINT * theirs.mean() + _LEAST)
    return ((1.0 - correlation) * weight).sum() / (weight.sum() + _LEAST)


def widest(space: SearchSpace, rows: Encodings) -> Encodings:
    """The same networks with the most channels that the space has in stem and stages, so that
    every network of the space reads and writes the first of theirs."""
    found = rows.copy()
    for column, gene in enumerate(space.genes):
        widths = [option.get("channels", 0) for option in gene.options]
        if gene.section == "head" or not any(widths):
            continue
        wide = np.array(widths) == max(widths)
        found[:, column] = np.where(wide[rows[:, column]], rows[:, column], int(wide.argmax()))
    return found


def _first(maps: Tensor, channels: int) -> Tensor:
    return maps[:, :channels].clone()  # activations may work in place

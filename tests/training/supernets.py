"""Small spaces for tests of supernets, and what is made of them."""

from typing import Any

import numpy as np
import torch

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.space_file import parse_space
from effsearch.training.recipes.seeds import build_seeded
from effsearch.training.supernet.supernet import Supernet

SPACE = parse_space(
    """
resolution: 8
classes: 10
activation: [relu, silu]
stem: {channels: [8, 12], kernel: [3, 5], stride: 1}
stages:
  - block: [{op: conv}, {op: mbconv, expand: 1}, {op: mbconv, expand: 2}, {op: mbconv, expand: 3}]
    kernel: [3, 5, 7]
    se: [0, 0.25]
    skip: [none, identity, pool]
    channels: [8, 12]
    layers: [1, 2, 3]
  - block:
      [{op: identity}, {op: fused_mbconv, expand: 2}, {op: basic}, {op: bottleneck, expand: 0.5}]
    channels: [16, 24]
    stride: 2
    layers: [1, 2]
head: {channels: [16, 32]}
""",
    "varied",
)
LEARNER = parse_space(
    """
resolution: 8
classes: 10
stem: {channels: 16, stride: 1}
stages:
  - {op: mbconv, expand: [1, 3], kernel: [3, 5], channels: 16}
  - {op: mbconv, expand: [2, 4], channels: [24, 32], stride: 2, layers: [1, 2]}
head: {channels: 64}
""",
    "learner",
)
IMAGES = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def make(space: SearchSpace = SPACE, **options: Any) -> Supernet:
    built = build_seeded(lambda: Supernet(space, 10, **options), 1)
    assert isinstance(built, Supernet)
    return built


def pick(space: SearchSpace = SPACE, **options: int) -> Architecture:
    """The network of the first options but for those named, such as `stages_0_kernel=2`."""
    row = np.zeros(len(space), dtype=np.int64)
    paths = [gene.path.replace(".", "_") for gene in space.genes]
    for path, option in options.items():
        row[paths.index(path)] = option
    return space.decode(row)


def random_networks(space: SearchSpace, count: int) -> list[Architecture]:
    rows = space.sample(np.random.default_rng(4), count)
    return [space.decode(row) for row in rows]

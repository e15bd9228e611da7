"""Stages that learn one by one: what they are, what they are held to, and who may teach them."""

from typing import Any

import numpy as np
import pytest
import torch

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.space_file import load_space, parse_space, shipped_spaces
from effsearch.training.data.dataset import load_train
from effsearch.training.recipes.recipe import proxy_recipe
from effsearch.training.recipes.seeds import build_seeded
from effsearch.training.supernet.blockwise import legs
from effsearch.training.supernet.recipe import SupernetRecipe, default_recipe, why_not_blockwise
from effsearch.training.supernet.running import train_supernet
from effsearch.training.supernet.stages import (
    distance,
    feature_maps,
    losses_by_stage,
    stages_of,
    widest,
)
from effsearch.training.supernet.supernet import Supernet

SPACE = parse_space(
    """
resolution: 8
classes: 10
stem: {channels: [8, 12], stride: 1}
stages:
  - block:
      - {op: conv, channels: 16}
      - {op: mbconv, expand: 2, channels: 8}
      - {op: mbconv, expand: 3, channels: 16}
    layers: [1, 2]
  - {op: mbconv, skip: [identity, pool], channels: [16, 24], stride: 2}
head: {channels: [16, 32]}
""",
    "staged",
)
STRIDED = parse_space(
    "{resolution: 8, stem: {stride: 1}, stages: [{op: conv, channels: [8, 16], stride: [1, 2]}]}",
    "strided",
)
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randn(6, 3, 8, 8, generator=GENERATOR)
LABELS = torch.arange(6)


def make(space: SearchSpace) -> Supernet:
    built = build_seeded(lambda: Supernet(space, 10), 1)
    assert isinstance(built, Supernet)
    return built


@pytest.mark.parametrize("name", shipped_spaces())
def test_a_networks_stages_in_a_row_are_the_network(name: str) -> None:
    space = load_space(name)
    with torch.device("meta"):
        network = Supernet(space, 10).cut(
            space.decode(space.sample(np.random.default_rng(0), 1)[0])
        )
        maps = feature_maps(network, torch.zeros(2, 3, 64, 64))
        assert len(stages_of(network)) == space.stages
        assert [one.shape[1] for one in maps.stages] == [
            stage.channels for stage in network.architecture.stages
        ]
    assert sum(len(stage) for stage in stages_of(network)) == len(network.blocks)


def test_the_widest_networks_keep_their_other_choices() -> None:
    rows = SPACE.sample(np.random.default_rng(0), 40)
    wide = widest(SPACE, rows)
    for row, found in zip(rows, wide, strict=True):
        before, after = SPACE.decode(row), SPACE.decode(found)
        assert after.stem.channels == 12
        assert [stage.channels for stage in after.stages] == [16, 24]
        assert after.head == before.head
        assert [s.layers for s in after.stages] == [s.layers for s in before.stages]
        if before.stages[0].channels == 16:
            assert after.stages[0].op == before.stages[0].op


def test_a_network_is_no_distance_from_itself_and_its_slices_fit_a_wider_ones_maps() -> None:
    supernet = make(SPACE)
    rows = SPACE.sample(np.random.default_rng(1), 8)
    teacher = supernet.cut(SPACE.decode(widest(SPACE, rows)[0]))
    maps = feature_maps(teacher, IMAGES)
    own, _ = losses_by_stage(teacher, IMAGES, LABELS, maps, 0.0)
    assert own.abs().max() < 1e-3
    for row in rows:
        found, head = losses_by_stage(supernet.cut(SPACE.decode(row)), IMAGES, LABELS, maps, 0.0)
        assert found.shape == (3,)
        assert ((found >= -1e-3) & (found <= 2)).all()
        assert head.isfinite()


def test_a_distance_knows_no_scale_and_no_offset() -> None:
    wanted = torch.randn(4, 5, 3, 3, generator=GENERATOR)
    scale, offset = torch.tensor([0.5, 2.0, 7.0]).view(3, 1, 1), 3.0
    assert distance(wanted[:, :3] * scale + offset, wanted) < 1e-3
    assert distance(-wanted, wanted) == pytest.approx(2.0, abs=1e-3)
    assert distance(torch.zeros(4, 5, 3, 3), wanted) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("steps", [1, 2, 3, 12, 480])
def test_the_parts_of_a_training_are_all_its_steps(steps: int) -> None:
    found = legs(SupernetRecipe(blockwise=True), steps)
    ends = [leg.first + leg.steps for leg in found]
    assert [0, *ends[:-1]] == [leg.first for leg in found]
    assert ends[-1] >= steps
    assert found[-1].kind == "whole"


def test_a_choice_of_stride_is_refused_and_is_no_default(tmp_path: Any) -> None:
    assert default_recipe(SPACE) == default_recipe(load_space("mnasnet")) == "blockwise"
    assert default_recipe(STRIDED) == "single_path"
    assert "stages.0 of space 'strided' has a choice of stride" in why_not_blockwise(STRIDED)
    training = proxy_recipe("digits", {"resolution": 8, "epochs": 1})
    with pytest.raises(InputError, match="cannot learn one by one: take another recipe"):
        train_supernet(
            tmp_path / "net",
            STRIDED,
            load_train("digits", resolution=8, max_images=240),
            SupernetRecipe(blockwise=True, training=training),
            device="cpu",
        )

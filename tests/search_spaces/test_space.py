"""Spaces: vectors of choices and the architectures they stand for."""

from dataclasses import replace

import numpy as np
import pytest

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.parts import Stage
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.space_file import load_space, parse_space, shipped_spaces
from effsearch.search_spaces.zoo import load_zoo

SMALL = """
resolution: [16, 24]
activation: relu
classes: 10
stem: {channels: [8, 16], stride: 1}
stages:
  - block: [{op: identity}, {op: mbconv, kernel: 3, expand: 3}, {op: mbconv, kernel: 5, expand: 6}]
    channels: [16, 24]
    stride: 2
  - {op: [conv, fused_mbconv], channels: 24, layers: [1, 2], skip: [none, identity, pool]}
head: {channels: [0, 32]}
"""


@pytest.fixture(scope="module")
def small() -> SearchSpace:
    return parse_space(SMALL, "small")


@pytest.fixture(scope="module", params=shipped_spaces())
def shipped(request: pytest.FixtureRequest) -> SearchSpace:
    return load_space(request.param)


def rows(space: SearchSpace, count: int, seed: int = 0) -> np.ndarray:
    return space.sample(np.random.default_rng(seed), count)


def test_the_shipped_spaces_are_the_named_ones() -> None:
    assert shipped_spaces() == [
        "efficientnetv2",
        "mnasnet",
        "mnasnet-timm",
        "mobilenetv3",
        "regnet",
        "resnet",
    ]


def test_the_size_is_the_product_of_the_choices(small: SearchSpace) -> None:
    assert small.size == 2 * 2 * 3 * 2 * 2 * 2 * 3 * 2
    assert len(list(small.enumerate())) == small.size


def test_mnasnet_s_space_is_at_least_as_large_as_the_paper_s() -> None:
    assert load_space("mnasnet").size > 1e13


def test_genes_are_named_by_where_they_stand(small: SearchSpace) -> None:
    assert [gene.path for gene in small.genes] == [
        "resolution",
        "stem.channels",
        "stages.0.block",
        "stages.0.channels",
        "stages.1.op",
        "stages.1.layers",
        "stages.1.skip",
        "head.channels",
    ]
    assert small.genes[2].label(1) == "mbconv kernel=3 expand=3"
    assert small.genes[3].label(1) == "24"


def test_decoding_takes_each_gene_s_option(small: SearchSpace) -> None:
    network = small.decode(np.array([1, 0, 2, 1, 0, 1, 2, 1]))
    assert network.resolution == 24
    assert network.stem.channels == 8
    assert network.stages == (
        Stage(op="mbconv", kernel=5, expand=6, channels=24, stride=2),
        Stage(op="conv", channels=24, layers=2, skip="pool"),
    )
    assert network.head.channels == 32


@pytest.mark.slow
def test_encoding_gives_the_architecture_back(shipped: SearchSpace) -> None:
    for encoding in rows(shipped, 150):
        network = shipped.decode(encoding)
        assert shipped.decode(shipped.encode(network)) == network


def test_every_encoding_of_a_small_space_comes_back(small: SearchSpace) -> None:
    for encoding in small.enumerate():
        network = small.decode(encoding)
        assert small.decode(small.encode(network)) == network


def test_equal_networks_have_one_encoding_however_they_are_spelled(small: SearchSpace) -> None:
    fused, conv = np.zeros(8, np.int64), np.zeros(8, np.int64)
    fused[4] = 1
    assert small.decode(fused) == small.decode(conv)
    assert (small.encode(small.decode(fused)) == small.encode(small.decode(conv))).all()


@pytest.mark.parametrize(
    ("space", "name"),
    [
        ("mnasnet", "efficientnet-b0"),
        ("mnasnet", "mnasnet-a1"),
        ("efficientnetv2", "efficientnetv2-s"),
        ("mobilenetv3", "mobilenet-v3-large"),
        ("resnet", "resnet-18"),
        ("resnet", "resnet-34"),
        ("resnet", "resnet-50"),
        ("resnet", "resnet-101"),
        ("resnet", "resnet-152"),
        ("resnet", "resnext-50"),
        ("resnet", "se-resnet-50"),
        ("regnet", "regnetx-400mf"),
        ("regnet", "regnetx-800mf"),
        ("regnet", "regnetx-1.6gf"),
        ("regnet", "regnety-400mf"),
        ("regnet", "regnety-800mf"),
        ("regnet", "regnety-1.6gf"),
    ],
)
def test_the_published_network_lies_in_its_space(space: str, name: str) -> None:
    found = load_space(space)
    assert found.decode(found.encode(load_zoo(name))) == load_zoo(name)


B0 = load_zoo("efficientnet-b0")


@pytest.mark.parametrize(
    ("network", "part"),
    [
        (load_zoo("resnet-50"), "network"),
        (replace(B0, classes=10), "network"),
        (replace(B0, norm_eps=1e-5), "network"),
        (replace(B0, resolution=192), "network"),
        (replace(B0, stem=replace(B0.stem, channels=40)), "stem"),
        (replace(B0, head=replace(B0.head, channels=0)), "head"),
        (replace(B0, stages=B0.stages[:-1]), "stages"),
        (replace(B0, stages=(*B0.stages, Stage(op="conv", channels=320))), "stages"),
    ],
)
def test_a_network_outside_the_space_is_refused(network: Architecture, part: str) -> None:
    with pytest.raises(InputError, match=rf"does not hold this network: its {part} differ"):
        load_space("mnasnet").encode(network)


def test_samples_are_uniform_over_every_choice(shipped: SearchSpace) -> None:
    sampled = rows(shipped, 20_000)
    assert sampled.shape == (20_000, len(shipped))
    assert (sampled >= 0).all()
    assert (sampled < shipped.options).all()
    for column, count in enumerate(shipped.options):
        shares = np.bincount(sampled[:, column], minlength=count) / len(sampled)
        assert shares == pytest.approx(np.full(count, 1 / count), abs=0.02)


def test_the_same_seed_samples_the_same(shipped: SearchSpace) -> None:
    assert (rows(shipped, 20, seed=3) == rows(shipped, 20, seed=3)).all()
    assert (rows(shipped, 20, seed=3) != rows(shipped, 20, seed=4)).any()


@pytest.mark.parametrize("changes", [1, 2, 5])
def test_a_mutation_changes_exactly_as_many_genes(shipped: SearchSpace, changes: int) -> None:
    parents = rows(shipped, 2000)
    kept = parents.copy()
    children = shipped.mutate(np.random.default_rng(1), parents, changes)
    assert ((children != parents).sum(axis=1) == changes).all()
    assert (parents == kept).all()
    assert (children >= 0).all()
    assert (children < shipped.options).all()


def test_a_mutation_cannot_change_more_genes_than_there_are(small: SearchSpace) -> None:
    parents = rows(small, 50)
    children = small.mutate(np.random.default_rng(1), parents, changes=99)
    assert (children != parents).all()


def test_a_mutation_reaches_every_other_option_equally_often(small: SearchSpace) -> None:
    parents = np.zeros((30_000, len(small)), np.int64)
    children = small.mutate(np.random.default_rng(0), parents)
    changed = children[children[:, 2] != 0][:, 2]
    assert np.bincount(changed)[1:] / len(changed) == pytest.approx([0.5, 0.5], abs=0.03)
    assert (children != 0).mean(axis=0) == pytest.approx(np.full(8, 1 / 8), abs=0.01)


def test_neighbours_are_all_that_differ_in_one_gene(shipped: SearchSpace) -> None:
    encoding = rows(shipped, 1)[0]
    neighbours = shipped.neighbours(encoding)
    assert len(neighbours) == (shipped.options - 1).sum()
    assert ((neighbours != encoding).sum(axis=1) == 1).all()
    assert len(np.unique(neighbours, axis=0)) == len(neighbours)


def test_a_space_without_a_choice_holds_one_network() -> None:
    space = parse_space("stages: [{op: conv, channels: 8}]", "single")
    (encoding,) = space.enumerate()
    assert space.size == 1
    assert space.decode(encoding).stages == (Stage(op="conv", channels=8),)
    assert space.sample(np.random.default_rng(0), 3).shape == (3, 0)
    assert space.neighbours(encoding).shape == (0, 0)
    assert (
        space.mutate(np.random.default_rng(0), space.sample(np.random.default_rng(0), 3)).size == 0
    )

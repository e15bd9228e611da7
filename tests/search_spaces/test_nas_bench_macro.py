"""Our counts against those published with NAS-Bench-Macro: 6,561 networks, params and FLOPs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.population import PopulationCost
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.search_spaces.space_file import load_space


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    return load_space(str(Path(__file__).with_name("nas_bench_macro.yaml")))


@pytest.fixture(scope="module")
def published(shared_data: Path) -> dict[str, Any]:
    file = shared_data / "nas-bench-macro" / "nas-bench-macro_cifar10.json"
    if not file.is_file():
        pytest.skip("the table of NAS-Bench-Macro is not at hand (shared/data/nas-bench-macro)")
    table: dict[str, Any] = json.loads(file.read_text())
    return table


def encode(keys: list[str]) -> Encodings:
    return np.array([[int(character) for character in key] for key in keys], dtype=np.int64)


def test_the_space_holds_as_many_networks(space: SearchSpace) -> None:
    assert space.size == 6561


def test_all_counts_equal_the_published_ones(space: SearchSpace, published: dict[str, Any]) -> None:
    assert len(published) == 6561
    counted = PopulationCost(space)(encode(list(published)))
    assert counted["params"].tolist() == [entry["params"] for entry in published.values()]
    assert counted["macs"].tolist() == [entry["flops"] for entry in published.values()]


def test_single_counts_equal_the_published_ones(
    space: SearchSpace, published: dict[str, Any]
) -> None:
    keys = list(published)[::20]
    for key, encoding in zip(keys, encode(keys), strict=True):
        counted = cost(space.decode(encoding))
        assert (counted.params, counted.macs) == (published[key]["params"], published[key]["flops"])


def test_networks_come_back_from_their_architecture(space: SearchSpace) -> None:
    for encoding in list(space.enumerate())[::37]:
        network = space.decode(encoding)
        assert space.decode(space.encode(network)) == network

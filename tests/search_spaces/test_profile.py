"""The layer table adds up to the cost."""

from itertools import pairwise

import pytest

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.parts import Stage
from effsearch.search_spaces.profile import profile
from effsearch.search_spaces.zoo import load_zoo, zoo_names


@pytest.mark.parametrize("name", zoo_names())
@pytest.mark.parametrize("resolution", [None, 65])
def test_totals_equal_the_cost(name: str, resolution: int | None) -> None:
    network = load_zoo(name)
    rows = profile(network, resolution)
    counted = cost(network, resolution)
    assert sum(row.macs for row in rows) == counted.macs
    assert sum(row.params for row in rows) == counted.params
    assert max(row.memory_bytes for row in rows) == counted.memory_bytes


def test_rows_are_named_after_stage_and_layer() -> None:
    names = [row.name for row in profile(load_zoo("efficientnet-b0"))]
    assert names[:4] == ["stem", "stage 1, layer 1", "stage 2, layer 1", "stage 2, layer 2"]
    assert names[-1] == "head"
    assert len(names) == 1 + 16 + 1


def test_channels_and_sizes_follow_one_another() -> None:
    rows = profile(load_zoo("resnet-50"))
    assert rows[0].size == 56
    assert rows[0].op == "conv + max pool"
    for before, after in pairwise(rows):
        assert after.in_channels == before.out_channels
    assert [row.size for row in rows if row.stride == 2] == [28, 14, 7]


def test_a_row_says_what_the_layer_is() -> None:
    row = profile(load_zoo("efficientnet-b0"))[2]
    assert (row.op, row.kernel, row.stride, row.se_channels) == ("mbconv", 3, 2, 4)
    assert (row.in_channels, row.mid_channels, row.out_channels) == (16, 96, 24)
    assert (row.size, row.shortcut) == (56, "none")


def test_the_head_ends_in_the_classes() -> None:
    row = profile(load_zoo("efficientnet-b0"))[-1]
    assert (row.op, row.in_channels, row.mid_channels, row.out_channels) == (
        "conv + linear",
        320,
        1280,
        1000,
    )
    assert profile(load_zoo("mobilenet-v1"))[-1].op == "linear"


def test_an_identity_that_changes_nothing_has_no_row() -> None:
    network = Architecture(
        stages=(
            Stage(op="conv", channels=16),
            Stage(op="identity", channels=16, layers=3),
            Stage(op="identity", channels=32, layers=2),
            Stage(op="conv", channels=32),
        )
    )
    assert [row.name for row in profile(network)] == [
        "stem",
        "stage 1, layer 1",
        "stage 3, layer 1",
        "stage 4, layer 1",
        "head",
    ]

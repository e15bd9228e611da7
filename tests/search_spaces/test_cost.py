"""Closed-form costs, worked out by hand on tiny networks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.cost import Cost, block_cost, cost, layer_costs
from effsearch.search_spaces.parts import Head, Stage, Stem
from effsearch.search_spaces.zoo import load_zoo

TINY = Architecture(
    stem=Stem(channels=4, kernel=3, stride=2),
    stages=(Stage(op="mbconv", channels=4, expand=2, se=0.5),),
    head=Head(channels=8),
    resolution=8,
    classes=10,
)


def test_every_count_of_a_tiny_network_is_as_worked_out_by_hand() -> None:
    stem = 3 * 3 * 3 * 4  # weights; on 4×4 pixels
    expand, depthwise, project = 4 * 8, 3 * 3 * 8, 8 * 4  # hidden width 8
    squeeze = 2 * 8 * 2  # squeezed to 4 × 0.5 channels and back
    head, classifier = 4 * 8, 8 * 10
    convolutions = stem + expand + depthwise + project + head
    norms = 2 * (4 + 8 + 8 + 4 + 8)
    assert cost(TINY).macs == convolutions * 16 + squeeze + classifier == 4528
    assert cost(TINY).params == convolutions + norms + squeeze + (8 + 2) + classifier + 10 == 472


def test_peak_memory_of_a_tiny_network_is_as_worked_out_by_hand() -> None:
    image, stem = 3 * 8 * 8, 4 * 4 * 4
    hidden = 8 * 4 * 4
    # At the depthwise convolution the block's input waits for the addition, beside the
    # convolution's own input and output. Everything else is smaller.
    assert image + stem == 256
    assert cost(TINY).memory_bytes == 4 * (stem + hidden + hidden) == 1280


def test_without_a_shortcut_nothing_waits_in_memory() -> None:
    stage = Stage(op="mbconv", channels=4, expand=2, se=0.5, skip="none")
    bare = Architecture(stem=TINY.stem, stages=(stage,), head=TINY.head, resolution=8, classes=10)
    assert cost(bare).memory_bytes == 4 * (128 + 128)  # still the depthwise convolution


def test_a_projected_shortcut_holds_input_and_two_outputs() -> None:
    block = Block("bottleneck", 3, 2, 8, 2, 16, 0, "projection")
    counted = block_cost(block, 4)
    assert counted.size == 2
    assert counted.macs == 8 * 2 * 16 + 9 * 2 * 2 * 4 + 2 * 16 * 4 + 8 * 16 * 4
    assert counted.params == 16 + 4 + 36 + 4 + 32 + 32 + 128 + 32
    assert counted.peak == 8 * 16 + 2 * 16 * 4


def test_a_pooled_shortcut_costs_nothing_but_memory() -> None:
    pooled = block_cost(Block("conv", 1, 2, 4, 4, 8, 0, "pool"), 4)
    bare = block_cost(Block("conv", 1, 2, 4, 4, 8, 0, "none"), 4)
    assert (pooled.macs, pooled.params) == (bare.macs, bare.params) == (4 * 8 * 4, 32 + 16)
    assert bare.peak == 4 * 16 + 8 * 4
    assert pooled.peak == 4 * 16 + 8 * 4 + 4 * 4  # input, output, and the pooled input


def test_a_large_classifier_can_be_the_peak() -> None:
    network = Architecture(
        stem=Stem(channels=1), stages=(Stage(op="conv", channels=1),), resolution=2, classes=5000
    )
    assert cost(network).memory_bytes == 4 * (1280 + 5000)


def test_stem_pooling_keeps_the_larger_of_both_steps() -> None:
    resnet = load_zoo("resnet-50")
    stem = layer_costs(resnet)[0]
    assert stem.size == 56
    assert stem.peak == 64 * 112**2 + 64 * 56**2


def test_sizes_that_strides_do_not_divide_are_rounded_up() -> None:
    sizes = [layer.size for layer in layer_costs(load_zoo("efficientnet-b0"), 225)]
    assert sizes[0] == 113
    assert sizes[-2] == 8


def test_parameters_do_not_depend_on_the_resolution() -> None:
    b0 = load_zoo("efficientnet-b0")
    assert cost(b0, 64).params == cost(b0).params
    assert cost(b0, 64).macs < cost(b0).macs


def test_own_resolution_is_the_default() -> None:
    b0 = load_zoo("efficientnet-b0")
    assert cost(b0) == cost(b0, 224) == Cost(385_814_752, 5_288_548, 6_021_120)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["conv", "depthwise_separable", "mbconv", "fused_mbconv"]),
    st.integers(1, 64),
    st.integers(1, 3),
    st.integers(8, 64),
)
def test_more_of_anything_never_costs_less(
    op: str, channels: int, layers: int, resolution: int
) -> None:
    def count(channels: int, layers: int, resolution: int) -> Cost:
        stage = Stage(op=op, channels=channels, layers=layers, expand=3)  # type: ignore[arg-type]
        return cost(Architecture(stages=(stage,), resolution=resolution))

    small = count(channels, layers, resolution)
    for larger in (
        count(channels + 1, layers, resolution),
        count(channels, layers + 1, resolution),
        count(channels, layers, resolution + 1),
    ):
        assert larger.macs >= small.macs
        assert larger.params >= small.params


@pytest.mark.parametrize("resolution", [1, 2, 31, 33])
def test_the_smallest_images_are_counted_too(resolution: int) -> None:
    assert cost(load_zoo("efficientnet-b0"), resolution).macs > 0

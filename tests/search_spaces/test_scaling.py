"""Compound scaling: the published rounding, the published numbers, and what cannot be scaled."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.parts import Head, Stage
from effsearch.search_spaces.scaling import (
    PUBLISHED_COEFFICIENTS,
    Coefficients,
    Rounding,
    compound,
    round_filters,
    round_repeats,
    round_resolution,
    scale,
    total_stride,
)
from effsearch.search_spaces.zoo import load_zoo, zoo_names

B0 = load_zoo("efficientnet-b0")


@pytest.mark.parametrize(
    ("filters", "width", "rounded"),
    [
        (32, 1.1, 32),
        (1280, 1.1, 1408),
        (24, 1.2, 32),  # 28.8: 24 would lose more than a tenth
        (16, 1.2, 24),  # 19.2: likewise
        (40, 1.1, 48),  # 44: halves go up
        (80, 1.15, 96),  # 92, which floating point makes 91.99999999999999
        (320, 2.0, 640),
        (16, 0.1, 8),
        (30, 1.0, 30),
        (30, 1.1, 32),
    ],
)
def test_channels_are_rounded_as_published(filters: int, width: float, rounded: int) -> None:
    assert round_filters(filters, width) == rounded


@pytest.mark.parametrize(
    ("layers", "depth", "rounded"),
    [(10, 1.1, 11), (1, 1.1, 2), (4, 3.1, 13), (3, 1.0, 3), (4, 0.5, 2), (1, 0.01, 1), (5, 1.2, 6)],
)
def test_layers_are_rounded_up_and_not_by_noise(layers: int, depth: float, rounded: int) -> None:
    assert round_repeats(layers, depth) == rounded


@given(st.integers(1, 2000), st.floats(0.01, 10))
def test_channels_stay_multiples_of_eight_and_lose_at_most_a_tenth(
    filters: int, width: float
) -> None:
    rounded = round_filters(filters, width)
    if width != 1:
        assert rounded % 8 == 0
        assert rounded >= 8
    assert rounded >= 0.9 * filters * width - 1e-6


@pytest.mark.parametrize(
    ("pixels", "rounding", "rounded"),
    [
        (257.6, "exact", 258),
        (257.6, "even", 258),
        (257.4, "exact", 257),
        (257.4, "even", 258),
        (256.9, "even", 256),
        (257.6, "8", 256),
        (260.0, "8", 264),
        (257.6, "32", 256),
        (272.0, "32", 288),
        (3.0, "32", 32),
    ],
)
def test_resolutions_are_rounded_to_the_nearest(
    pixels: float, rounding: Rounding, rounded: int
) -> None:
    assert round_resolution(pixels, rounding) == rounded


def test_an_unknown_rounding_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'even'"):
        round_resolution(224, "evn")  # type: ignore[arg-type]


def test_phi_one_on_b0_costs_what_is_known_and_not_twice_as_much() -> None:
    scaled = compound(B0, PUBLISHED_COEFFICIENTS, 1)
    assert scaled.resolution == 258
    assert cost(scaled).macs == 992_629_472
    assert cost(scaled).macs / cost(B0).macs == pytest.approx(2.57, abs=0.005)
    assert PUBLISHED_COEFFICIENTS.product == pytest.approx(1.92027)


def test_phi_seven_on_b0_is_not_b7() -> None:
    scaled = compound(B0, PUBLISHED_COEFFICIENTS, 7)
    assert scaled.resolution == 596
    assert cost(scaled).params == 68_741_810
    assert cost(scaled).macs == 39_663_901_696
    assert cost(load_zoo("efficientnet-b7")).params != cost(scaled).params


@pytest.mark.parametrize(
    ("multipliers", "macs"),
    [
        ({"depth": 4.0}, 1.575e9),
        ({"width": 2.0}, 1.450e9),
        ({"resolution": 448}, 1.538e9),
    ],
)
def test_one_dimension_of_b0_costs_what_is_known(multipliers: Any, macs: float) -> None:
    assert cost(scale(B0, **multipliers)).macs == pytest.approx(macs, rel=5e-4)


@pytest.mark.parametrize("alpha", [1.01, 1.05, 1.1, 1.15, 1.2, 1.25])
def test_every_small_alpha_gives_b0_the_same_blocks(alpha: float) -> None:
    assert len(scale(B0, depth=alpha).blocks) == 23


@pytest.mark.parametrize("name", zoo_names())
def test_phi_zero_changes_nothing(name: str) -> None:
    network = load_zoo(name)
    assert compound(network, PUBLISHED_COEFFICIENTS, 0) == network
    assert compound(network, PUBLISHED_COEFFICIENTS, 0, "32").resolution == network.resolution


def test_multipliers_of_one_leave_odd_channels_alone() -> None:
    network = Architecture(stages=(Stage(op="conv", channels=30, layers=3),), head=Head(channels=0))
    assert scale(network) == network
    assert scale(network, depth=2).stages[0] == replace(network.stages[0], layers=6)


def test_stem_and_head_scale_by_the_width() -> None:
    scaled = scale(B0, width=2.0)
    assert (scaled.stem.channels, scaled.head.channels) == (64, 2560)


def test_a_missing_head_stays_missing() -> None:
    assert scale(load_zoo("resnet-50"), width=2.0).head.channels == 0


def test_a_negative_phi_shrinks() -> None:
    small = compound(B0, PUBLISHED_COEFFICIENTS, -2)
    assert small.resolution == round(224 / 1.15**2)
    assert cost(small).macs < cost(B0).macs / 2
    assert cost(small).params < cost(B0).params


def test_a_broken_phi_lies_between_its_neighbours() -> None:
    counts = [cost(compound(B0, PUBLISHED_COEFFICIENTS, phi)).macs for phi in (0, 0.5, 1)]
    assert counts == sorted(set(counts))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(zoo_names()), st.floats(-3, 7), st.floats(0, 1))
def test_parameters_and_macs_grow_with_phi(name: str, phi: float, more: float) -> None:
    small = cost(compound(load_zoo(name), PUBLISHED_COEFFICIENTS, phi))
    large = cost(compound(load_zoo(name), PUBLISHED_COEFFICIENTS, phi + more))
    # Equal channels make a shortcut free, so a step may cost a little less; never by much.
    assert large.macs >= 0.95 * small.macs
    assert large.params >= 0.95 * small.params


@pytest.mark.parametrize(
    ("name", "stride"),
    [("efficientnet-b0", 32), ("resnet-50", 32), ("mobilenet-v1", 32), ("efficientnetv2-s", 32)],
)
def test_the_total_stride_counts_stem_pooling_and_stages(name: str, stride: int) -> None:
    assert total_stride(load_zoo(name)) == stride


def test_a_resolution_below_the_strides_is_refused() -> None:
    assert scale(B0, resolution=32).resolution == 32
    with pytest.raises(InputError, match="below what the strides allow"):
        scale(B0, resolution=31)
    with pytest.raises(InputError, match="below what the strides allow"):
        compound(B0, PUBLISHED_COEFFICIENTS, -15)


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), "2", None, True])
@pytest.mark.parametrize("dimension", ["depth", "width"])
def test_an_impossible_multiplier_is_refused(dimension: str, bad: Any) -> None:
    with pytest.raises(InputError, match=dimension):
        scale(B0, **{dimension: bad})


@pytest.mark.parametrize("bad", [0, -1.2, float("nan"), float("inf"), "1.2"])
@pytest.mark.parametrize("name", ["alpha", "beta", "gamma"])
def test_impossible_coefficients_are_refused_by_name(name: str, bad: Any) -> None:
    with pytest.raises(InputError, match=name):
        Coefficients(**{"alpha": 1.2, "beta": 1.1, "gamma": 1.15, name: bad})


@pytest.mark.parametrize("phi", [float("nan"), float("inf"), 1e9, -1e9, 1e308])
def test_an_impossible_phi_is_refused(phi: float) -> None:
    with pytest.raises(InputError, match="φ"):
        compound(B0, PUBLISHED_COEFFICIENTS, phi)


def test_a_phi_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(InputError, match="at most"):
        compound(B0, PUBLISHED_COEFFICIENTS, 100)


def test_what_a_layer_is_does_not_change() -> None:
    scaled = compound(B0, PUBLISHED_COEFFICIENTS, 3)
    for before, after in zip(B0.stages, scaled.stages, strict=True):
        assert replace(after, channels=before.channels, layers=before.layers) == before
    assert scaled.activation == B0.activation
    assert scaled.classes == B0.classes

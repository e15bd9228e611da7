"""Scaling to a wanted cost finds the closest network there is."""

from typing import get_args

import pytest

from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.scaling import (
    PUBLISHED_COEFFICIENTS,
    Coefficients,
    compound,
    scale,
    scaled_resolution,
)
from effsearch.search_spaces.scaling_search import Dimension, Metric, scale_to_cost
from effsearch.search_spaces.zoo import load_zoo

pytestmark = pytest.mark.slow  # together they take many seconds

NETWORKS = ["efficientnet-b0", "mobilenet-v2", "resnet-50"]


def scaled_by(name: str, dimension: Dimension, multiplier: float) -> int:
    network = load_zoo(name)
    if dimension == "compound":
        return cost(compound(network, PUBLISHED_COEFFICIENTS, multiplier)).macs
    if dimension == "resolution":
        pixels = scaled_resolution(network, multiplier)
        return cost(scale(network, resolution=pixels)).macs
    return cost(scale(network, **{dimension: multiplier})).macs


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dimension", get_args(Dimension))
@pytest.mark.parametrize("ratio", [0.6, 2, 4.1])
def test_nothing_closer_is_found_by_trying_everything(
    name: str, dimension: Dimension, ratio: float
) -> None:
    target = ratio * cost(load_zoo(name)).macs
    reached = scale_to_cost(load_zoo(name), dimension, target)
    start, stop = (-2, 3) if dimension == "compound" else (0.3, 6)
    tried = [start + (stop - start) * step / 2000 for step in range(2001)]
    best = min(abs(scaled_by(name, dimension, multiplier) / target - 1) for multiplier in tried)
    assert abs(reached.error) <= best + 1e-12


@pytest.mark.parametrize("dimension", get_args(Dimension))
def test_what_was_reached_is_reported(dimension: Dimension) -> None:
    reached = scale_to_cost(load_zoo("mobilenet-v2"), dimension, 1e9)
    assert reached.cost == cost(reached.architecture)
    assert reached.cost.macs == scaled_by("mobilenet-v2", dimension, reached.multiplier)
    assert reached.error == pytest.approx(reached.cost.macs / 1e9 - 1)
    assert abs(reached.error) < (0.07 if dimension == "depth" else 0.02)  # layers come whole


def test_the_other_dimensions_stay() -> None:
    b0 = load_zoo("efficientnet-b0")
    deep = scale_to_cost(b0, "depth", 1e9).architecture
    assert [s.channels for s in deep.stages] == [s.channels for s in b0.stages]
    assert deep.resolution == 224
    wide = scale_to_cost(b0, "width", 1e9).architecture
    assert [s.layers for s in wide.stages] == [s.layers for s in b0.stages]
    large = scale_to_cost(b0, "resolution", 1e9).architecture
    assert large.stages == b0.stages


@pytest.mark.parametrize("dimension", get_args(Dimension))
def test_the_baseline_s_own_cost_gives_the_baseline(dimension: Dimension) -> None:
    b0 = load_zoo("efficientnet-b0")
    reached = scale_to_cost(b0, dimension, cost(b0).macs)
    assert reached.architecture == b0
    assert reached.error == 0


def test_phi_for_two_gigamacs_is_found_with_any_coefficients() -> None:
    coefficients = Coefficients(1.0, 1.2, 1.1)
    b0 = load_zoo("efficientnet-b0")
    reached = scale_to_cost(b0, "compound", 2e9, coefficients=coefficients)
    assert compound(b0, coefficients, reached.multiplier) == reached.architecture
    assert abs(reached.error) < 0.03


@pytest.mark.parametrize("metric", get_args(Metric))
def test_every_cost_can_be_the_target(metric: Metric) -> None:
    b0 = load_zoo("efficientnet-b0")
    target = 3 * getattr(cost(b0), metric)
    reached = scale_to_cost(b0, "compound", target, metric=metric)
    assert abs(reached.error) < 0.05
    assert getattr(reached.cost, metric) == pytest.approx(target, rel=0.05)


def test_the_resolution_rounding_is_kept() -> None:
    reached = scale_to_cost(load_zoo("efficientnet-b0"), "resolution", 1e9, rounding="32")
    assert reached.architecture.resolution % 32 == 0


@pytest.mark.parametrize("dimension", get_args(Dimension))
def test_a_target_out_of_reach_gives_the_smallest_network(dimension: Dimension) -> None:
    reached = scale_to_cost(load_zoo("efficientnet-b0"), dimension, 1)
    assert reached.error > 1
    if dimension == "depth":
        assert {stage.layers for stage in reached.architecture.stages} == {1}
    elif dimension == "width":
        assert {stage.channels for stage in reached.architecture.stages} == {8}
    else:
        assert reached.architecture.resolution == 32


def test_a_cost_that_does_not_move_gives_the_baseline() -> None:
    b0 = load_zoo("efficientnet-b0")
    assert scale_to_cost(b0, "resolution", 1e9, metric="params").architecture == b0
    flat = Coefficients(1, 1, 1)
    assert scale_to_cost(b0, "compound", 1e9, coefficients=flat).architecture == b0


@pytest.mark.parametrize("target", [0, -1, float("nan"), float("inf")])
def test_an_impossible_target_is_refused(target: float) -> None:
    with pytest.raises(InputError, match="target of macs"):
        scale_to_cost(load_zoo("efficientnet-b0"), "depth", target)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dimension": "dept"}, "did you mean 'depth'"),
        ({"metric": "flops"}, "unknown cost 'flops'"),
        ({"rounding": "evn"}, "did you mean 'even'"),
    ],
)
def test_unknown_names_are_refused(values: dict[str, str], message: str) -> None:
    arguments = {"dimension": "depth", "metric": "macs", "rounding": "exact"} | values
    with pytest.raises(InputError) as error:
        scale_to_cost(load_zoo("efficientnet-b0"), target=1e9, **arguments)  # type: ignore[arg-type]
    assert message in str(error.value)

"""The Gaussian process over layers, channels and resolution."""

from itertools import product

import numpy as np
import pytest

from effsearch.gridsearch.surface import Floats, SurfaceModel


@pytest.fixture(scope="module")
def sizes() -> Floats:
    """A full grid of 5 · 4 · 3 networks."""
    layers, channels, pixels = (16, 20, 24, 28, 32), (100, 120, 140, 160), (224, 256, 288)
    return np.array(list(product(layers, channels, pixels)), dtype=np.float64)


def bent(sizes: Floats) -> Floats:
    """Best at 24 layers; channels do nothing."""
    return np.asarray(0.9 - 0.3 * np.log(sizes[:, 0] / 24) ** 2 + 0.05 * np.log(sizes[:, 2] / 256))


def test_a_smooth_surface_is_found_under_noise(sizes: Floats) -> None:
    truth = bent(sizes)
    measured = truth + np.random.default_rng(0).normal(0, 0.01, len(truth))
    posterior = SurfaceModel(sizes).posterior([[value] for value in measured])
    off = posterior.mean - truth
    assert np.sqrt((off**2).mean()) < 0.007
    assert abs(off / posterior.deviation).max() < 3


def test_networks_that_are_not_measured_are_expected_where_their_neighbours_lie(
    sizes: Floats,
) -> None:
    truth = bent(sizes)
    scores = [[value, value + 1e-4] if place % 4 else [] for place, value in enumerate(truth)]
    posterior = SurfaceModel(sizes).posterior(scores)
    assert posterior.mean[::4] == pytest.approx(truth[::4], abs=0.005)
    assert posterior.deviation[::4].mean() > posterior.deviation[1::4].mean()


def test_repeats_tell_misfit_from_noise(sizes: Floats) -> None:
    rng = np.random.default_rng(1)
    rough = bent(sizes) + rng.normal(0, 0.03, len(sizes))
    once = [[value] for value in rough]
    model = SurfaceModel(sizes)
    twice = [[value, value + rng.normal(0, 0.002)] if i < 5 else [value] for i, value in
             enumerate(rough)]  # fmt: skip
    blind, told = model.posterior(once), model.posterior(twice)
    assert blind.noise > 0.01
    assert told.noise < 0.005
    assert told.own == pytest.approx(0.03, rel=0.35)
    assert abs(told.mean - rough).mean() < abs(blind.mean - rough).mean()


def test_neighbours_are_known_to_be_alike_however_little_is_known_of_either(sizes: Floats) -> None:
    rng = np.random.default_rng(2)
    scores = [[value + rng.normal(0, 0.02)] for value in bent(sizes)]
    apart = SurfaceModel(sizes).posterior(scores).deviation_of_difference(0)
    assert apart[0] == 0
    assert apart[1] < apart[-1]  # one step of the resolution, and the far corner


def test_a_dimension_in_which_all_are_equal_does_no_harm(sizes: Floats) -> None:
    flat = sizes.copy()
    flat[:, 1] = 100
    posterior = SurfaceModel(flat).posterior([[value] for value in bent(flat)])
    assert np.isfinite(posterior.mean).all()


def test_equal_accuracies_are_expected_to_stay_equal(sizes: Floats) -> None:
    posterior = SurfaceModel(sizes).posterior([[0.5, 0.5]] * len(sizes))
    assert posterior.mean == pytest.approx(np.full(len(sizes), 0.5))
    assert posterior.noise < 1e-4


def test_three_networks_make_no_surface(sizes: Floats) -> None:
    with pytest.raises(ValueError, match="four measured networks"):
        SurfaceModel(sizes[:3]).posterior([[0.1], [0.2], [0.3]])

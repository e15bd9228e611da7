"""The surrogate: features of the resolved network, kernels that are kernels, honest intervals."""

import numpy as np
import pytest

from effsearch.nas.landscape import SyntheticLandscape
from effsearch.nas.objective import Objective
from effsearch.nas.problem import Problem
from effsearch.nas.surrogate.features import Features, FeatureTables
from effsearch.nas.surrogate.gaussian_process import GaussianProcess
from effsearch.nas.surrogate.kernel import Kernel
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.search_spaces.space_file import load_space, parse_space

NOISE = 0.0027


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    return load_space("mnasnet")


@pytest.fixture(scope="module")
def tables(space: SearchSpace) -> FeatureTables:
    return FeatureTables(space)


def rows(space: SearchSpace, count: int, seed: int) -> Encodings:
    return space.sample(np.random.default_rng(seed), count)


def test_numbers_are_those_of_the_resolved_blocks(
    space: SearchSpace, tables: FeatureTables
) -> None:
    encodings = rows(space, 20, 0)
    features = tables(encodings)
    problem = Problem.of(space, Objective())
    for row, numbers in zip(encodings, features.numbers, strict=True):
        blocks = space.decode(row).blocks
        costs = problem.candidate(row).costs
        growth = np.log([b.out_channels / b.in_channels for b in blocks]).sum()
        assert numbers[:3] == pytest.approx(
            np.log([costs["params"], costs["macs"], costs["memory_bytes"]])
        )
        assert numbers[3] == len(blocks)
        assert numbers[4] == sum(block.kernel for block in blocks)
        assert numbers[5] == sum(block.se_channels > 0 for block in blocks)
        assert numbers[8] == pytest.approx(growth)


def test_blocks_count_every_block(space: SearchSpace, tables: FeatureTables) -> None:
    features = tables(rows(space, 50, 1))
    assert features.blocks.sum(axis=1).tolist() == features.numbers[:, 3].tolist()


def test_spellings_of_one_network_look_alike() -> None:
    text = """
name: spelled
resolution: 32
stages:
  - {op: mbconv, channels: 16, expand: [1, 3], stride: 2}
  - block: [{op: identity}, {op: mbconv, kernel: 3}, {op: mbconv, kernel: 5}]
    se: [0, 0.25]
    channels: 16
"""
    space = parse_space(text, "spelled")
    every = np.array(list(space.enumerate()))
    features = FeatureTables(space)(every)
    looks = {
        space.decode(row).id: (genes.tobytes(), numbers.tobytes())
        for row, genes, numbers in zip(every, features.genes, features.numbers, strict=True)
    }
    for row, genes, numbers in zip(every, features.genes, features.numbers, strict=True):
        assert looks[space.decode(row).id] == (genes.tobytes(), numbers.tobytes())
    assert len(looks) < len(every)


def test_every_part_is_a_kernel_of_about_one(space: SearchSpace, tables: FeatureTables) -> None:
    features = tables(rows(space, 60, 2))
    kernel = Kernel.of(features, space.options)
    parts = list(kernel.parts(features, features))
    assert len(parts) == len(Kernel.names)
    for part, diagonal in zip(parts, kernel.diagonal(features), strict=True):
        assert np.diag(part) == pytest.approx(diagonal)
        assert np.mean(diagonal) == pytest.approx(1)
        assert np.linalg.eigvalsh((part + part.T) / 2).min() > -1e-9


def learned(
    space: SearchSpace, tables: FeatureTables, seed: int, count: int = 120
) -> tuple[GaussianProcess, Features, np.ndarray]:
    """A model of a noisy landscape, and networks it has not seen with their true values."""
    landscape = SyntheticLandscape(space, seed)
    encodings = rows(space, count + 200, seed)
    clean = landscape.accuracy(encodings)
    noisy = clean + NOISE * np.random.default_rng([seed, 1]).standard_normal(len(clean))
    model = GaussianProcess.fit(tables(encodings[:count]), noisy[:count], space.options)
    return model, tables(encodings[count:]), clean[count:]


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say(
    space: SearchSpace, tables: FeatureTables
) -> None:
    inside, near = [], []
    for seed in range(2, 8):
        model, unseen, truth = learned(space, tables, seed)
        mean, sigma = model.predict(unseen)
        inside.append(np.abs(truth - mean) < 1.645 * sigma)
        near.append(np.abs(truth - mean) < 0.674 * sigma)
    assert 0.82 < np.mean(inside) < 0.97
    assert 0.38 < np.mean(near) < 0.65


def test_draws_have_the_mean_and_the_spread_that_are_predicted(
    space: SearchSpace, tables: FeatureTables
) -> None:
    model, unseen, _ = learned(space, tables, 3)
    few = unseen.rows(np.arange(20))
    draws = model.sample(few, np.random.default_rng(0).standard_normal((20_000, 20)))
    mean, sigma = model.predict(few)
    assert draws.mean(axis=0) == pytest.approx(mean, abs=0.05 * sigma.max())
    assert draws.std(axis=0) == pytest.approx(sigma, rel=0.03)


def test_it_is_surer_of_what_it_saw(space: SearchSpace, tables: FeatureTables) -> None:
    model, unseen, _ = learned(space, tables, 4)
    assert model.predict(model.measured)[1].mean() < 0.8 * model.predict(unseen)[1].mean()


def test_a_curve_in_the_numbers_is_followed_beyond_what_was_measured(
    space: SearchSpace, tables: FeatureTables
) -> None:
    # A parabola in log MACs with its summit at the median, .7: on one side of it a line rises.
    encodings = rows(space, 400, 11)
    features = tables(encodings)
    macs = features.numbers[:, 1]
    values = 0.7 - 0.05 * (macs - np.median(macs)) ** 2
    inner = np.abs(macs - np.median(macs)) < 0.5
    model = GaussianProcess.fit(
        features.rows(np.flatnonzero(inner)[:80]), values[inner][:80], space.options
    )
    unseen = np.flatnonzero(np.abs(macs - np.median(macs)) > 0.8)
    mean, _ = model.predict(features.rows(unseen))
    assert len(unseen) > 10
    assert (mean < 0.69).all()
    assert np.abs(mean - values[unseen]).mean() < 0.012


def test_values_in_doubt_count_for_less(space: SearchSpace, tables: FeatureTables) -> None:
    features = tables(rows(space, 60, 12))
    values = np.where(np.arange(60) % 6, 0.7 + 0.01 * (features.numbers[:, 3] > 20), 0.6)
    doubts = np.where(np.arange(60) % 6, 0.0, 0.1)
    sure = GaussianProcess.fit(features, values, space.options)
    unsure = GaussianProcess.fit(features, values, space.options, doubts=doubts)
    assert unsure.noise < 0.3 * sure.noise


@pytest.mark.slow
def test_of_networks_held_out_after_a_search_few_lie_beyond_three_sigma() -> None:
    # Crowded measurements, as a search makes them: 40 from all over, 120 around one of them.
    space = load_space("mnasnet")
    tables = FeatureTables(space)
    likeliest, calibrated = [], []
    for seed in (7, 8, 9):
        landscape = SyntheticLandscape(space, seed)
        rng = np.random.default_rng(seed)
        opening = space.sample(rng, 40)
        best = opening[[landscape.accuracy(opening).argmax()]]
        crowd = [best]
        for _ in range(120):
            crowd.append(space.mutate(rng, crowd[int(rng.integers(len(crowd)))], 1))
        encodings = np.concatenate([opening, *crowd])
        noisy = landscape.accuracy(encodings) + NOISE * rng.standard_normal(len(encodings))
        model = GaussianProcess.fit(tables(encodings), noisy, space.options)
        unseen = space.sample(rng, 500)
        truth = landscape.accuracy(unseen)
        for found, kept in ((model, likeliest), (model.calibrated(), calibrated)):
            mean, sigma = found.predict(tables(unseen))
            kept.append(np.abs(truth - mean) > 3 * sigma)
    assert np.mean(calibrated) <= 0.02
    assert np.mean(calibrated) < np.mean(likeliest)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_equal_values_are_expected_everywhere(
    count: int, space: SearchSpace, tables: FeatureTables
) -> None:
    features = tables(rows(space, count, 0))
    model = GaussianProcess.fit(features, np.full(count, 0.5), space.options).calibrated()
    mean, sigma = model.predict(tables(rows(space, 10, 1)))
    assert mean == pytest.approx(np.full(10, 0.5))
    assert np.isfinite(sigma).all()

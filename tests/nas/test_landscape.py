"""The synthetic landscape: equal networks, plausible numbers, an optimum that is not trivial."""

from pathlib import Path

import numpy as np
import pytest

from effsearch.nas.landscape import SyntheticLandscape
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Problem
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.search_spaces.space_file import load_space

pytestmark = pytest.mark.slow  # together they take many seconds

MACRO = Path(__file__).parents[1] / "search_spaces" / "nas_bench_macro.yaml"


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    return load_space("mnasnet")


@pytest.fixture(scope="module")
def band(space: SearchSpace) -> Encodings:
    objective = Objective((banded_target("macs", 4e8, floor=0.1),))
    problem = Problem.of(space, objective)
    return problem.in_band(space.sample(np.random.default_rng(0), 20_000))


@pytest.mark.parametrize("name", ["mnasnet", str(MACRO)])
def test_every_spelling_of_a_network_has_one_accuracy(name: str) -> None:
    space = load_space(name)
    landscape = SyntheticLandscape(space, seed=4)
    rows = space.sample(np.random.default_rng(1), 2000 if name == "mnasnet" else 6000)
    if name == "mnasnet":  # rare among random rows, so spell some anew
        rows = np.concatenate([rows, np.array([space.encode(space.decode(r)) for r in rows])])
    by_network: dict[str, set[float]] = {}
    spellings: dict[str, set[bytes]] = {}
    for row, accuracy in zip(rows, landscape.accuracy(rows), strict=True):
        network = space.decode(row).id
        by_network.setdefault(network, set()).add(float(accuracy))
        spellings.setdefault(network, set()).add(row.tobytes())
    assert all(len(accuracies) == 1 for accuracies in by_network.values())
    assert sum(len(different) > 1 for different in spellings.values()) > 100


def test_one_row_and_many_give_the_same(space: SearchSpace, band: Encodings) -> None:
    landscape = SyntheticLandscape(space)
    together = landscape.accuracy(band[:20])
    assert [float(landscape.accuracy(row[None])[0]) for row in band[:20]] == together.tolist()


def test_accuracies_look_like_a_proxy_s(space: SearchSpace, band: Encodings) -> None:
    for seed in range(3):
        accuracy = SyntheticLandscape(space, seed).accuracy(band)
        assert 0.67 < accuracy.mean() < 0.73
        assert 0.015 < accuracy.std() < 0.03


def test_another_seed_is_another_landscape(space: SearchSpace, band: Encodings) -> None:
    one, other = (SyntheticLandscape(space, seed).accuracy(band) for seed in (0, 1))
    assert np.corrcoef(one, other)[0, 1] < 0.8


def test_larger_networks_are_better_on_average(space: SearchSpace) -> None:
    rows = space.sample(np.random.default_rng(2), 5000)
    problem = Problem.of(space, Objective())
    accuracy = SyntheticLandscape(space).accuracy(rows)
    assert np.corrcoef(np.log(problem.costs(rows)["macs"]), accuracy)[0, 1] > 0.5


def test_genes_interact(space: SearchSpace) -> None:
    # The best option of a gene, all others fixed, depends on what the others are.
    landscape = SyntheticLandscape(space)
    column = [gene.path for gene in space.genes].index("stages.3.block")
    best = set()
    for row in space.sample(np.random.default_rng(3), 50):
        options = np.repeat(row[None], space.options[column], axis=0)
        options[:, column] = np.arange(space.options[column])
        best.add(int(landscape.accuracy(options).argmax()))
    assert len(best) > 1


def test_noise_is_of_its_size_and_follows_from_seed_and_network(
    space: SearchSpace, band: Encodings
) -> None:
    landscape = SyntheticLandscape(space, noise=0.01)
    architectures = [space.decode(row) for row in band[:200]]
    clean = landscape.accuracy(band[:200])
    noisy = np.array([landscape.evaluate(a, seed=7) for a in architectures])
    assert 0.008 < (noisy - clean).std() < 0.012
    assert landscape.evaluate(architectures[0], seed=7) == noisy[0]
    assert landscape.evaluate(architectures[0], seed=8) != noisy[0]


def test_without_noise_an_evaluation_is_the_accuracy(space: SearchSpace, band: Encodings) -> None:
    landscape = SyntheticLandscape(space, noise=0.0)
    assert landscape.evaluate(space.decode(band[0])) == landscape.accuracy(band[:1])[0]


def test_negative_noise_is_refused(space: SearchSpace) -> None:
    with pytest.raises(InputError, match="noise"):
        SyntheticLandscape(space, noise=-1.0)

"""How a supernet is trained, stopped and gone on with, and what is refused."""

import contextlib
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from supernets import LEARNER, SPACE, make, pick, random_networks

from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.population import PopulationCost
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.space_file import parse_space
from effsearch.training.data.dataset import load_train
from effsearch.training.data.images import ImageDataset
from effsearch.training.recipes.recipe import proxy_recipe
from effsearch.training.supernet.calibration import check_enough
from effsearch.training.supernet.measuring import SupernetMeter
from effsearch.training.supernet.recipe import SupernetRecipe, supernet_recipe, supernet_recipes
from effsearch.training.supernet.running import supernet_data, train_supernet
from effsearch.training.supernet.sampling import Sampler
from effsearch.training.supernet.storing import load_supernet, read_supernet, save_supernet
from effsearch.training.supernet.trainer import SupernetReport

pytestmark = pytest.mark.slow  # together they take many seconds

# Sampling


def sampled(space: SearchSpace = SPACE, draw: Any = None, **options: Any) -> Sampler:
    return Sampler(space, SupernetRecipe(**options), 3, draw)


def test_fair_sampling_takes_every_option_equally_often() -> None:
    sampler = sampled(sampling="fair", networks=4)
    rows = np.concatenate([sampler(step) for step in range(12)])  # 48 networks
    for gene, options in enumerate(SPACE.options):
        for start in range(0, 48 - options + 1, options):
            assert sorted(rows[start : start + options, gene]) == list(range(options))


def test_networks_of_a_step_come_again_and_differ_from_step_to_step() -> None:
    for sampling, networks in (("uniform", 2), ("fair", 2), ("sandwich", 3)):
        one, other = (sampled(sampling=sampling, networks=networks) for _ in range(2))
        assert (one(5) == other(5)).all()
        assert (one(5) != one(6)).any()


def test_a_sandwich_holds_the_largest_network_and_the_smallest() -> None:
    rows = sampled(sampling="sandwich", networks=4)(0)
    every = PopulationCost(SPACE)(SPACE.sample(np.random.default_rng(0), 3000))["macs"]
    macs = PopulationCost(SPACE)(rows)["macs"]
    assert macs[0] >= every.max()
    assert macs[-1] <= every.min()
    assert len(rows) == 4


@pytest.mark.parametrize(("sampling", "networks"), [("uniform", 2), ("fair", 3), ("sandwich", 4)])
def test_sampling_stays_in_the_band(sampling: str, networks: int) -> None:
    costs = PopulationCost(SPACE)

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        rows = SPACE.sample(rng, 3000)
        macs = costs(rows)["macs"]
        return rows[macs < np.quantile(macs, 0.1)][:count]

    limit = np.quantile(costs(SPACE.sample(np.random.default_rng(0), 3000))["macs"], 0.15)
    sampler = sampled(draw=draw, sampling=sampling, networks=networks)
    for step in range(5):
        rows = sampler(step)
        assert len(rows) == networks
        assert (costs(rows)["macs"] < limit).all()


# Recipes


def test_shipped_recipes_are_read() -> None:
    assert supernet_recipes() == ("blockwise", "fair", "sandwich", "single_path")
    assert supernet_recipe("single-path", "digits", {"lr": 0.1}).training.lr == 0.1
    sandwich = supernet_recipe("sandwich", "digits", {"epochs": 2}, epochs=5)
    assert (sandwich.distillation, sandwich.training.epochs) == (True, 5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sampling: fairly", "did you mean 'fair'"),
        ("networks: 0", "at least 1"),
        ("samplings: fair", "did you mean 'sampling'"),
        ("{sampling: sandwich, networks: 1}", "2 or more"),
        ("distillation: true", "needs the largest network"),
        ("{blockwise: true, sampling: sandwich, networks: 2}", "has a teacher already"),
        ("{blockwise: true, teacher_share: 0.7}", "leave no step for the stages"),
        ("{blockwise: true, stage_lr: 0}", "stage_lr must be a number between 0 and 1"),
        ("training: {ema_decay: 0.9}", "without ema_decay"),
        ("training: {validation: 0}", "give validation a share"),
        ("training: [1]", "must be a mapping"),
        ("[]", "must be a mapping"),
    ],
)
def test_a_bad_recipe_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        supernet_recipe(str(path), "digits")


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'sandwich'"):
        supernet_recipe("sandwhich", "digits")


# Training


def digits(count: int = 240) -> ImageDataset:
    return load_train("digits", resolution=8, max_images=count)


def quick(epochs: int = 2, **options: Any) -> SupernetRecipe:
    training = proxy_recipe("digits", {"resolution": 8, "epochs": epochs, "batch_size": 32})
    return SupernetRecipe(training=training, calibration_images=64, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"networks": 1},
        {"sampling": "fair", "networks": 2},
        {"sampling": "sandwich", "networks": 3, "distillation": True, "kernel_transform": True},
    ],
)
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(
    options: dict[str, Any], tmp_path: Path
) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    train_supernet(whole, SPACE, digits(), quick(**options), device="cpu", seed=3)

    def stop(report: Any) -> None:
        if report.step >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_supernet(
            halves,
            SPACE,
            digits(),
            quick(**options),
            device="cpu",
            seed=3,
            on_report=stop,
            saved_every=0.0,
        )
    assert not read_supernet(halves)[1].finished
    with pytest.raises(InputError, match="not trained to its end"):
        load_supernet(halves)
    train_supernet(halves, SPACE, digits(), quick(**options), device="cpu", seed=3)
    one, other = (read_supernet(path)[0] for path in (whole, halves))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_blockwise_training_that_is_stopped_after_each_step_goes_on(tmp_path: Path) -> None:
    recipe = quick(blockwise=True, teachers=2, kernel_transform=True)
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    train_supernet(whole, LEARNER, digits(), recipe, device="cpu", seed=3)
    told: list[SupernetReport] = []

    def stop(report: SupernetReport) -> None:
        told.append(report)
        if report.step < report.steps:
            raise KeyboardInterrupt

    while not told or told[-1].step < told[-1].steps:
        with contextlib.suppress(KeyboardInterrupt):
            train_supernet(
                pieces,
                LEARNER,
                digits(),
                recipe,
                device="cpu",
                seed=3,
                on_report=stop,
                saved_every=0.0,
            )
    assert [one.step for one in told] == list(range(1, told[-1].steps + 1))
    assert (
        len({one.measure for one in told}) == 5
    )  # two candidates, teacher, stages, whole networks
    one, other = (read_supernet(path)[0] for path in (whole, pieces))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_finished_supernet_is_left_alone_and_ranks_what_it_was_trained_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "net.safetensors"
    space = LEARNER
    recipe = quick(epochs=12)
    recipe = replace(recipe, training=replace(recipe.training, lr=0.05))
    train_supernet(path, space, digits(500), recipe, device="cpu", seed=0)
    written = path.stat().st_mtime_ns
    train_supernet(path, space, digits(500), recipe, device="cpu", seed=0)
    assert path.stat().st_mtime_ns == written
    supernet, info = load_supernet(path, space)
    meter = SupernetMeter(supernet, supernet_data(digits(500), info.recipe, "cpu"), info.recipe)
    accuracies = [
        meter.evaluate(meter.network(space.decode(row))).top1
        for row in space.sample(np.random.default_rng(1), 4)
    ]
    assert min(accuracies) > 0.5  # by chance .1


def test_many_networks_at_once_score_as_each_by_itself() -> None:
    supernet = make()
    recipe = quick()
    meter = SupernetMeter(supernet, supernet_data(digits(), recipe, "cpu"), recipe)
    networks = random_networks(SPACE, 8)
    networks += [replace(networks[0], head=replace(networks[0].head, channels=16)), networks[1]]
    alone = [meter.evaluate(meter.network(network)).top1 for network in networks]
    assert meter.accuracies(networks) == pytest.approx(alone)
    assert len(set(alone)) > 3


# Bad input


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    train_supernet(path, SPACE, digits(), quick(epochs=1), device="cpu")
    return path


def test_a_supernet_of_another_space_is_refused(trained: Path) -> None:
    other = parse_space("{stages: [{op: conv, channels: [8, 16]}]}", "other")
    with pytest.raises(InputError, match=r"is of space 'varied' \(.*wanted is 'other'"):
        load_supernet(trained, other)
    with pytest.raises(InputError, match="is of space 'varied'"):
        train_supernet(trained, other, digits(), quick(), device="cpu")
    supernet, _ = load_supernet(trained)
    with pytest.raises(InputError, match="does not hold"):
        supernet.aligned(pick(other))


def test_another_recipe_seed_band_or_data_is_another_training(trained: Path) -> None:
    with pytest.raises(InputError, match="has recipe"):
        train_supernet(trained, SPACE, digits(), quick(epochs=2), device="cpu")
    with pytest.raises(InputError, match="has seed 1"):
        train_supernet(trained, SPACE, digits(), quick(epochs=1), device="cpu", seed=1)
    with pytest.raises(InputError, match="has band 400M"):
        train_supernet(
            trained,
            SPACE,
            digits(),
            quick(epochs=1),
            device="cpu",
            band="400M",
            draw=lambda rng, count: SPACE.sample(rng, count),
        )
    with pytest.raises(InputError, match="trained on other images"):
        train_supernet(trained, SPACE, digits(200), quick(epochs=1), device="cpu")


def test_a_diverged_supernet_is_told_and_not_kept(tmp_path: Path) -> None:
    recipe = quick(epochs=3)
    recipe = replace(recipe, training=replace(recipe.training, lr=1e18, warmup=0.0))
    path = tmp_path / "net.safetensors"
    with pytest.raises(EffsearchError, match=r"the supernet diverged.*smaller lr"):
        train_supernet(path, SPACE, digits(), recipe, device="cpu", saved_every=0.0)
    if path.exists():
        tensors, _ = read_supernet(path)
        assert all(one.isfinite().all() for one in tensors.values() if one.is_floating_point())


def test_a_file_with_nan_in_it_is_refused(trained: Path) -> None:
    tensors, info = read_supernet(trained)
    tensors["stem:conv_stem:conv_stem:weight"][0] = float("nan")
    save_supernet(trained, tensors, info)
    with pytest.raises(InputError, match="diverged: it holds NaN"):
        load_supernet(trained)


def test_too_few_images_to_recalibrate_are_refused(tmp_path: Path) -> None:
    check_enough(32, "data")
    with pytest.raises(InputError, match="too few to recalibrate"):
        check_enough(31, "data")
    whole = digits()
    few = whole.subset(
        torch.cat([(whole.labels == label).nonzero()[:3, 0] for label in range(10)]).sort().values
    )
    with pytest.raises(InputError, match="too few to recalibrate"):
        train_supernet(tmp_path / "net", SPACE, few, quick(), device="cpu")


def test_a_file_that_is_no_supernet_is_refused(tmp_path: Path) -> None:
    from effsearch.training.models.checkpoint import save_checkpoint

    path = tmp_path / "model.safetensors"
    save_checkpoint(path, {"a": torch.zeros(1)}, {})
    with pytest.raises(InputError, match="holds no supernet"):
        read_supernet(path)
    save_checkpoint(path, {"a": torch.zeros(1)}, {"supernet": {"space": 5}})
    with pytest.raises(InputError, match="damaged"):
        read_supernet(path)


@pytest.mark.parametrize(
    ("loss", "step", "warned"), [(2.34, 9, True), (1.2, 9, False), (2.34, 5, False)]
)
def test_a_supernet_that_has_learned_nothing_says_so_at_its_end(
    loss: float, step: int, warned: bool
) -> None:
    report = SupernetReport(
        step=step, steps=9, epoch=1, epochs=1, loss=loss, chance=math.log(10), seconds=1.0
    )
    assert ("learned next to nothing" in (report.warning or "")) is warned

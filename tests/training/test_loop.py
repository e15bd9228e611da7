"""The training loop: it learns, repeats itself, and says when it diverged."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from effsearch.training.data.images import ImageDataset
from effsearch.training.devices.device import choose_device, place_on_device
from effsearch.training.loop.classifier import train_classifier
from effsearch.training.loop.reports import EpochReport
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.seeds import build_seeded
from effsearch.training.sources.batch_plan import batch_plan

RECIPE = Recipe(epochs=2, batch_size=32, optimizer="adamw", lr=0.01, flip=False, shift=1)


def weights(network: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten().cpu() for p in network.state_dict().values()])


@pytest.mark.slow
def test_a_tiny_network_learns_the_digits(digits, factory):
    result = train_classifier(build_seeded(factory, 0), digits, replace(RECIPE, epochs=5), seed=0)

    assert result.accuracy > 0.8
    assert result.best_accuracy >= result.accuracy
    assert result.curve[0].train_loss > result.curve[-1].train_loss == result.loss
    assert not result.diverged
    assert result.images_per_second > 0
    assert result.seconds > 0


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_same_seed_gives_the_same_accuracy_and_weights(digits, factory, optimizer):
    recipe = replace(RECIPE, epochs=1, optimizer=optimizer, flip=True, shift=2)
    networks = [build_seeded(factory, 5) for _ in range(2)]
    results = []
    for network in networks:
        torch.rand(7)  # the caller's own random state must not matter
        results.append(train_classifier(network, digits, recipe, seed=5))

    assert results[0].accuracy == results[1].accuracy
    assert torch.equal(weights(networks[0]), weights(networks[1]))


def test_another_seed_gives_other_weights(digits, factory):
    recipe = replace(RECIPE, epochs=1)
    networks = [build_seeded(factory, 5) for _ in range(2)]
    for seed, network in enumerate(networks):
        train_classifier(network, digits, recipe, seed=seed)

    assert not torch.equal(weights(networks[0]), weights(networks[1]))


def test_seeded_build_repeats_and_leaves_the_random_state_alone(factory):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, two, other = (build_seeded(factory, seed) for seed in (3, 3, 4))

    assert torch.equal(weights(one), weights(two))
    assert not torch.equal(weights(one), weights(other))
    assert torch.equal(before, torch.get_rng_state())


def test_training_leaves_random_state_and_threads_alone(digits, factory):
    network = factory()
    torch.set_num_threads(2)
    before = torch.get_rng_state()
    train_classifier(network, digits, replace(RECIPE, epochs=1), seed=0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    assert threads == 2
    assert torch.equal(before, torch.get_rng_state())


def test_each_epoch_is_reported_as_it_ends(digits, factory):
    seen: list[EpochReport] = []
    result = train_classifier(factory(), digits, RECIPE, seed=0, on_epoch=seen.append)

    assert [report.epoch for report in seen] == [1, 2]
    assert tuple(seen) == result.curve
    assert result.accuracy == seen[-1].accuracy


def test_an_exception_of_the_callback_ends_the_training(digits, factory):
    def stop(report: EpochReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_classifier(factory(), digits, RECIPE, seed=0, on_epoch=stop)


class Explodes(nn.Module):
    """Gives nan from its second step on."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 10)
        self.steps = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.steps += self.training
        scale = math.nan if self.steps > 1 else 1.0
        return self.linear(images.mean((2, 3))) * scale


def test_a_loss_that_is_not_a_number_stops_the_training(digits):
    network = Explodes()
    result = train_classifier(network, digits, replace(RECIPE, epochs=9, batch_size=2), seed=0)

    assert result.diverged
    assert math.isnan(result.accuracy)
    assert math.isnan(result.best_accuracy)
    assert len(result.curve) == 1
    assert network.steps == 50  # found at the first look, not at the end of the epoch


def test_a_learning_rate_that_is_far_too_high_is_reported_as_divergence(digits, factory):
    recipe = replace(RECIPE, optimizer="sgd", lr=1e30, warmup=0.0)

    assert train_classifier(factory(), digits, recipe, seed=0).diverged


@pytest.mark.parametrize(
    ("images", "batch_size", "plan"),
    [
        (1150, 64, (18, 63)),
        (128, 64, (2, 64)),
        (65, 64, (2, 32)),
        (3, 2, (1, 3)),
        (2, 64, (1, 2)),
        (1, 2, (1, 1)),
    ],
)
def test_batches_are_of_one_size_and_leave_few_images_out(images, batch_size, plan):
    assert batch_plan(images, batch_size) == plan


def test_batch_normalization_never_sees_a_single_image():
    sizes = [batch_plan(n, b)[1] for n in range(2, 200) for b in range(2, 70)]

    assert min(sizes) >= 2


def test_a_batch_larger_than_the_data_trains():
    dataset = ImageDataset(
        name="four",
        images=torch.randint(0, 255, (4, 3, 1, 1), dtype=torch.uint8),
        labels=torch.tensor([0, 1, 0, 1]),
        class_names=("a", "b"),
    )
    data = place_on_device(dataset, choose_device("cpu"), validation=0.5, split_seed=0)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))

    result = train_classifier(network, data, replace(RECIPE, batch_size=64), seed=0)

    assert 0 <= result.accuracy <= 1


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_tiny_network_learns_the_digits_on_cuda(factory):
    from effsearch.training.data.dataset import load_train

    device = choose_device("cuda")
    data = place_on_device(
        load_train("digits", resolution=16), device, validation=0.2, split_seed=0
    )
    for precision in ("bf16", "fp32"):
        recipe = replace(RECIPE, epochs=5, precision=precision)
        result = train_classifier(build_seeded(factory, 0), data, recipe, seed=0)
        assert result.accuracy > 0.8

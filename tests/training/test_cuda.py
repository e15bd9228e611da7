"""Trainings on a CUDA device, in what differs from those on a CPU."""

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.notation import parse_architecture
from effsearch.training.data.dataset import load_train
from effsearch.training.devices.device import (
    DeviceData,
    choose_device,
    choose_precision,
    place_on_device,
)
from effsearch.training.loop.batch_size import fitting_batch_size
from effsearch.training.loop.reports import EpochReport
from effsearch.training.loop.trainer import Trainer
from effsearch.training.recipes.recipe import OPTIMIZERS, Recipe
from effsearch.training.recipes.seeds import build_seeded
from effsearch.training.sources import ResidentSource

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

MEGABYTE, GIGABYTE = 2**20, 2**30


@pytest.fixture(scope="module")
def digits_there() -> DeviceData:
    dataset = load_train("digits", resolution=16, max_images=342)
    return place_on_device(dataset, choose_device("cuda"), validation=0.2, split_seed=0)


@pytest.fixture
def one_gigabyte() -> Iterator[torch.device]:
    """A device of which this process may have no more than that."""
    device = choose_device("cuda")
    gc.collect()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(GIGABYTE / total, device)
    yield device
    torch.cuda.set_per_process_memory_fraction(1.0, device)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_resumed_training_ends_where_one_that_never_stopped_does(
    digits_there: DeviceData, factory: Callable[[], nn.Module], optimizer: str
) -> None:
    recipe = Recipe(
        epochs=2, batch_size=32, optimizer=optimizer, lr=1e-3, precision="fp32", ema_decay=0.9,
        policy="randaugment", mixup=0.2, cutmix=1.0, erasing=0.2, crop_scale=0.5,
    )  # fmt: skip

    def trainer(seed: int) -> Trainer:
        network, source = build_seeded(factory, seed), ResidentSource(digits_there)
        return Trainer(network, source, recipe, resolution=16, seed=3)

    whole, kept = trainer(0), dict[str, Any]()

    def keep(report: EpochReport) -> None:
        if report.epoch == 1:
            kept.update(tensors=whole.state(), progress=whole.progress())

    wanted = whole.train(on_epoch=keep)
    resumed = trainer(1)
    resumed.restore(kept["tensors"], kept["progress"])
    result = resumed.train()

    assert result.curve[0] == wanted.curve[0]
    assert result.loss == pytest.approx(wanted.loss, rel=0.02)  # the device adds in any order


def test_captured_passes_train_what_ordinary_ones_do(digits_there: DeviceData) -> None:
    """With bfloat16, dropout, stochastic depth and two sizes, each captured once."""
    recipe = Recipe(
        epochs=4, batch_size=32, lr=1e-3, precision="auto", dropout=0.2, drop_path=0.2,
        shift=2, gradient_clip=1.0, ema_decay=0.9, phases=2, first_resolution=0.5,
    )  # fmt: skip

    def result(captured: bool) -> tuple[EpochReport, ...]:
        given = replace(recipe, cuda_graph=captured)
        built = build_seeded(searched, 0)
        source = ResidentSource(digits_there)
        return Trainer(built, source, given, resolution=16, seed=3).train().curve

    ordinary, replayed = result(False), result(True)

    assert [one.train_loss for one in replayed] == pytest.approx(
        [one.train_loss for one in ordinary], rel=0.02
    )
    assert replayed[-1].validation_loss == pytest.approx(ordinary[-1].validation_loss, rel=0.05)


def test_what_was_captured_is_given_back(digits_there: DeviceData) -> None:
    recipe = Recipe(epochs=2, batch_size=32, phases=2, first_resolution=0.5, cuda_graph=True)

    def held_after_training() -> int:
        built = build_seeded(searched, 0)
        Trainer(built, ResidentSource(digits_there), recipe, resolution=16, seed=3).train()
        del built
        gc.collect()
        return torch.cuda.memory_allocated()

    first = held_after_training()  # what libraries keep for themselves counted in

    assert held_after_training() <= first + MEGABYTE


def searched() -> nn.Module:
    return build_network(
        parse_architecture("res16 stem_k3_s1_c16 ir_r2_k5_s2_e3_c24_se0.25 ir_r2_k3_s2_e3_c40"),
        classes=10,
        dropout=0.2,
        drop_path=0.2,
    )


def test_the_batch_that_fits_is_found_on_the_device(one_gigabyte: torch.device) -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(64, 2),
    )  # fmt: skip
    recipe = Recipe(batch_size=4096, precision="fp32")
    found = fitting_batch_size(network, recipe, classes=2, resolution=64, device=one_gigabyte)

    assert found in (64, 128, 256, 512, 1024)


def test_auto_precision_is_bf16_where_the_device_computes_with_it() -> None:
    device = choose_device("cuda")
    computes = torch.version.hip or torch.cuda.get_device_capability(device) >= (8, 0)

    assert choose_precision("auto", device) == (torch.bfloat16 if computes else torch.float32)

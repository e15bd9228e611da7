"""Two workers train as one with the whole batch, by Ray Train; what fails there is told here."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.notation import parse_architecture
from effsearch.training.loop.reports import EpochReport, StepReport
from effsearch.training.loop.trainer import Trainer
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.seeds import build_seeded
from effsearch.training.sources import ImageSource

# Batch normalization, squeeze and excite, momentum; nothing random, which each worker has its own.
RECIPE = Recipe(epochs=2, batch_size=8, lr=0.05, flip=False, warmup=0.0, ema_decay=0.9)


def open_digits(device: torch.device) -> ImageSource:
    from effsearch.training.data.dataset import load_train
    from effsearch.training.devices.device import place_on_device
    from effsearch.training.sources import ResidentSource

    dataset = load_train("digits", resolution=16, max_images=342)
    return ResidentSource(place_on_device(dataset, device, validation=0.2, split_seed=0))


def open_nothing(device: torch.device) -> ImageSource:
    raise InputError("there is no data on this machine")


def network() -> nn.Module:
    architecture = parse_architecture("act_silu stem_k3_s2_c8 ir_r3_k3_s1_e2_c8_se0.25 head_c16")
    return build_seeded(lambda: build_network(architecture, classes=10, norm_momentum=0.1), 0)


def workers(ray_address: str, open_source: Any = open_digits, **options: Any) -> Any:
    from effsearch.training.distributed.launch import DistributedTrainer, Workers

    return DistributedTrainer(
        network(),
        open_source,
        RECIPE,
        resolution=16,
        seed=1,
        workers=Workers(**{"count": 2, "address": ray_address} | options),
    )


class Enough(Exception):
    pass


@pytest.mark.slow
def test_two_workers_stopped_and_resumed_train_as_one_with_the_whole_batch(
    ray_address: str,
) -> None:
    alone = Trainer(
        network(),
        open_digits(torch.device("cpu")),
        replace(RECIPE, batch_size=16),
        resolution=16,
        seed=1,
    )
    steps: dict[int, float] = {}
    wanted = alone.train(on_step=lambda report: steps.update({report.step: report.loss}))

    first = workers(ray_address)
    kept: dict[str, Any] = {}

    def stop_half_way(report: StepReport) -> None:
        assert report.step == 10
        assert report.steps == 17
        assert report.images == 160
        kept.update(tensors=first.state(), progress=first.progress())
        kept["loss"] = report.loss
        raise Enough

    with pytest.raises(Enough):
        first.train(on_step=stop_half_way)
    assert kept["progress"]["steps"] == 10

    second = workers(ray_address)
    second.restore(kept["tensors"], kept["progress"])
    epochs: list[EpochReport] = []
    models: list[dict[str, torch.Tensor]] = []

    def keep(report: EpochReport) -> None:
        epochs.append(report)
        models.append(second.model_weights())

    result = second.train(on_epoch=keep)

    assert tuple(epochs) == result.curve
    assert len(result.curve) == 2
    for one, two in zip(wanted.curve, result.curve, strict=True):
        assert two.train_loss == pytest.approx(one.train_loss, abs=1e-5)
        assert two.validation_loss == pytest.approx(one.validation_loss, abs=1e-5)
        assert two.accuracy == one.accuracy
    for name, tensor in alone.model_weights().items():
        assert torch.allclose(tensor, models[-1][name], atol=1e-4), name
    with pytest.raises(RuntimeError, match="while a callback runs"):
        second.state()


@pytest.mark.slow
def test_what_a_worker_cannot_do_is_told_as_it_said_it(ray_address: str) -> None:
    with pytest.raises(InputError, match="no data on this machine"):
        workers(ray_address, open_nothing).train()


def test_more_than_the_cluster_has_is_refused_before_it_is_waited_for(ray_address: str) -> None:
    for options, told in [
        ({"device": "cuda"}, "2 workers with 1 GPU each were asked for, and Ray sees 0 GPUs: use"),
        ({"gpus": 0.5}, "2 workers with 0.5 GPU .*: leave --gpus-per-worker out"),
        ({"count": 3}, "3 workers need 3 CPUs, and Ray sees 2"),
    ]:
        with pytest.raises(MissingResourceError, match=told):
            workers(ray_address, **options).train()

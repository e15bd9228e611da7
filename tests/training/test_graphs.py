"""Captured passes, as far as a processor can show it: what is replayed is a record of operations
that was made once, so nothing in a pass may follow from what the host does or holds later."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.notation import parse_architecture
from effsearch.training.devices.device import DeviceData
from effsearch.training.loop.learner import Learner
from effsearch.training.loop.trainer import Trainer
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.seeds import build_seeded
from effsearch.training.sources import ResidentSource

RECIPE = Recipe(
    epochs=2, batch_size=32, flip=True, shift=2, dropout=0.2, drop_path=0.4, ema_decay=0.9,
    gradient_clip=1.0, cuda_graph=True,
)  # fmt: skip


def network() -> nn.Module:
    return build_network(
        parse_architecture("res16 stem_k3_s1_c8 ir_r2_k5_s2_e2_c16_se0.25 head_c32"),
        classes=10,
        dropout=RECIPE.dropout,
        drop_path=RECIPE.drop_path,
    )


def recorded(passes: nn.Module, samples: tuple[Tensor]) -> nn.Module:
    """`torch.cuda.make_graphed_callables` on a processor."""
    for _ in range(3):
        passes(*samples).sum().backward()
    passes.zero_grad()
    ordinary = passes.forward
    passes.forward = make_fx(lambda images: ordinary(images))(*samples)  # type: ignore[method-assign]
    return passes


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[torch.Size]:
    """Sizes of the passes that were captured, where learners take the processor for a card."""
    sizes: list[torch.Size] = []
    forked = torch.random.fork_rng

    def make(passes: nn.Module, samples: tuple[Tensor]) -> nn.Module:
        sizes.append(samples[0].shape)
        return recorded(passes, samples)

    class OnACard(Learner):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._captures = self._recipe.cuda_graph

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", make)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.random, "fork_rng", lambda devices: forked(devices=[]))
    monkeypatch.setattr("effsearch.training.loop.trainer.Learner", OnACard)
    return sizes


def trained(data: DeviceData, recipe: Recipe, resolution: int = 16) -> tuple[Trainer, nn.Module]:
    built = build_seeded(network, 0)
    trainer = Trainer(built, ResidentSource(data), recipe, resolution=resolution, seed=3)
    trainer.train()
    return trainer, built


def weights(net: nn.Module) -> Tensor:
    return torch.cat([value.detach().flatten().double() for value in net.state_dict().values()])


def test_replayed_passes_train_what_ordinary_ones_do(
    digits: DeviceData, made: list[torch.Size]
) -> None:
    data = replace(
        digits, train_images=digits.train_images[:128], train_labels=digits.train_labels[:128]
    )
    replays, by_replays = trained(data, RECIPE)
    ordinary, by_passes = trained(data, replace(RECIPE, cuda_graph=False))

    assert made == [torch.Size([32, 3, 16, 16])]
    torch.testing.assert_close(weights(by_replays), weights(by_passes), rtol=1e-5, atol=1e-6)
    assert replays.validate().loss == pytest.approx(ordinary.validate().loss, rel=1e-5)


def test_each_size_of_a_progressive_training_is_captured_once(
    digits: DeviceData, made: list[torch.Size]
) -> None:
    trained(digits, replace(RECIPE, epochs=4, phases=2, first_resolution=0.5, first_dropout=0.0))

    assert [size[-1] for size in made] == [8, 16]


def test_on_a_processor_nothing_is_captured(digits: DeviceData) -> None:
    trained(digits, replace(RECIPE, epochs=1))  # capturing would fail


@pytest.mark.parametrize("other", [{"compile": True}, {"accumulate": 2}])
def test_what_a_replay_cannot_do_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="exclude each other"):
        replace(RECIPE, **other)

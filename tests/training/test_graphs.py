"""Captured passes, as far as a processor can show it: what is replayed is a record of operations
that was made once, so nothing in a pass may follow from what the host does or holds later."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.notation import parse_architecture
from effsearch.training.devices.device import DeviceData
from effsearch.training.devices.graphs import captured
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


@pytest.fixture
def captures(monkeypatch: pytest.MonkeyPatch) -> list[torch.device]:
    """One for each that is made, where learners take the processor for a card."""
    made: list[torch.device] = []
    forked = torch.random.fork_rng

    def record(
        run: Callable[[], Tensor], network: nn.Module, device: torch.device
    ) -> tuple[Callable[[], None], Tensor]:
        made.append(device)
        for _ in range(3):
            run()
            network.zero_grad()
        operations = make_fx(lambda: [run(), *(one.grad for one in network.parameters())])()
        written = [torch.zeros(())] + [torch.zeros_like(one) for one in network.parameters()]
        for parameter, gradient in zip(network.parameters(), written[1:], strict=True):
            parameter.grad = gradient

        def replay() -> None:
            for here, value in zip(written, operations(), strict=True):
                here.copy_(value)

        return replay, written[0]

    class OnACard(Learner):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._captures = self._recipe.cuda_graph

    monkeypatch.setattr("effsearch.training.devices.graphs.record", record)
    monkeypatch.setattr(torch.random, "fork_rng", lambda devices: forked(devices=[]))
    monkeypatch.setattr("effsearch.training.loop.trainer.Learner", OnACard)
    return made


def trained(data: DeviceData, recipe: Recipe, resolution: int = 16) -> tuple[Trainer, nn.Module]:
    built = build_seeded(network, 0)
    trainer = Trainer(built, ResidentSource(data), recipe, resolution=resolution, seed=3)
    trainer.train()
    return trainer, built


def weights(net: nn.Module) -> Tensor:
    return torch.cat([value.detach().flatten().double() for value in net.state_dict().values()])


def test_replayed_passes_train_what_ordinary_ones_do(
    digits: DeviceData, captures: list[torch.device]
) -> None:
    data = replace(
        digits, train_images=digits.train_images[:128], train_labels=digits.train_labels[:128]
    )
    replays, by_replays = trained(data, RECIPE)
    ordinary, by_passes = trained(data, replace(RECIPE, cuda_graph=False))

    assert len(captures) == 1
    torch.testing.assert_close(weights(by_replays), weights(by_passes), rtol=1e-5, atol=1e-6)
    assert replays.validate().loss == pytest.approx(ordinary.validate().loss, rel=1e-5)


def test_each_size_of_a_progressive_training_is_captured_once(
    digits: DeviceData, captures: list[torch.device]
) -> None:
    trained(digits, replace(RECIPE, epochs=4, phases=2, first_resolution=0.5, first_dropout=0.0))

    assert len(captures) == 2


def test_passes_over_mixed_images_are_captured_as_well(
    digits: DeviceData, captures: list[torch.device]
) -> None:
    recipe = replace(RECIPE, epochs=1, mixup=0.2, cutmix=1.0, erasing=0.3, policy="randaugment")
    _, by_replays = trained(digits, recipe)
    _, by_passes = trained(digits, replace(recipe, cuda_graph=False))

    assert len(captures) == 1
    torch.testing.assert_close(weights(by_replays), weights(by_passes), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("inner", [None, torch.OutOfMemoryError("CUDA out of memory")])
def test_what_ends_a_capture_is_said(
    captures: list[torch.device], monkeypatch: pytest.MonkeyPatch, inner: Exception | None
) -> None:
    def record(*args: Any) -> None:
        try:
            if inner is not None:
                raise inner
        finally:
            raise RuntimeError("operation not permitted when stream is capturing\nCUDA kernel ...")

    monkeypatch.setattr("effsearch.training.devices.graphs.record", record)
    expected = "cannot be captured (operation not permitted" if inner is None else "out of memory"
    with pytest.raises(EffsearchError if inner is None else RuntimeError) as raised:
        captured(lambda images, targets: images, network(), torch.zeros(1), torch.zeros(1))
    assert expected in str(raised.value)


def test_on_a_processor_nothing_is_captured(digits: DeviceData) -> None:
    trained(digits, replace(RECIPE, epochs=1))  # capturing would fail


@pytest.mark.parametrize("other", [{"compile": True}, {"accumulate": 2}])
def test_what_a_replay_cannot_do_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="exclude each other"):
        replace(RECIPE, **other)

"""Synchronised batch normalization: with one worker it is torch's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from effsearch.training.devices.synced_norm import SyncedBatchNorm2d, synchronise_norms
from effsearch.training.devices.team import SOLO, Team


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """A process group of this process alone."""
    store = dist.FileStore(str(tmp_path / "store"), 1)
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def norms() -> tuple[nn.BatchNorm2d, nn.Module]:
    torch.manual_seed(0)
    own = nn.BatchNorm2d(5, eps=1e-3, momentum=0.3)
    nn.init.normal_(own.weight)
    nn.init.normal_(own.bias)
    copy = nn.BatchNorm2d(5, eps=1e-3, momentum=0.3)
    copy.load_state_dict(own.state_dict())
    network = synchronise_norms(nn.Sequential(copy), Team(0, 2), torch.device("cpu"))
    return own, network[0]  # type: ignore[index]


@pytest.mark.usefixtures("group")
def test_one_worker_normalises_as_torch_does() -> None:
    own, synced = norms()
    assert isinstance(synced, SyncedBatchNorm2d)
    # Far from zero, where sums of squares would lose the variance.
    images = (torch.randn(6, 5, 4, 3) + 30).contiguous(memory_format=torch.channels_last)
    weights = torch.randn(6, 5, 4, 3)
    results = []
    for norm in (own, synced):
        inputs = images.clone().requires_grad_()
        outputs = norm(inputs)
        (outputs * weights).sum().backward()
        results.append((outputs, inputs.grad, norm.weight.grad, norm.bias.grad))  # type: ignore[union-attr]

    for wanted, given in zip(*results, strict=True):
        assert torch.allclose(given, wanted, atol=1e-4)  # type: ignore[arg-type]
    for name, tensor in own.state_dict().items():
        assert torch.allclose(synced.state_dict()[name], tensor, rtol=1e-5), name
    assert torch.allclose(own.eval()(images), synced.eval()(images), rtol=1e-4)


@pytest.mark.usefixtures("group")
def test_gradients_are_those_of_the_formula() -> None:
    _, synced = norms()
    synced.double()
    images = torch.randn(3, 5, 2, 2, dtype=torch.float64, requires_grad=True)

    def centred(x: torch.Tensor) -> torch.Tensor:
        return synced(x)  # type: ignore[no-any-return]

    assert torch.autograd.gradcheck(centred, images)


def test_a_team_of_one_keeps_its_network() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3))
    assert synchronise_norms(network, SOLO, torch.device("cpu")) is network
    assert type(network[0]) is nn.BatchNorm2d

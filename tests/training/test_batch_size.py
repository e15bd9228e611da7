"""What fits into memory: found by steps that really fail, in a process with little of it."""

import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from effsearch.search_spaces.errors import EffsearchError
from effsearch.training.devices.device import DeviceData
from effsearch.training.devices.team import SOLO, Team
from effsearch.training.loop.batch_size import fitting_batch_size, lacks_memory, memory_advice
from effsearch.training.loop.trainer import Trainer
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.sources import ResidentSource

CPU = torch.device("cpu")
RECIPE = Recipe(epochs=1, batch_size=8, flip=False, ema_decay=0.9)


def test_a_batch_that_fits_is_kept_and_nothing_is_changed() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    state = torch.get_rng_state()

    assert fitting_batch_size(net, RECIPE, classes=2, resolution=8, device=CPU) == 8
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert torch.equal(torch.get_rng_state(), state)


class Hungry(nn.Module):
    """Asks for far more than there is, from so many images a batch on."""

    def __init__(self, images: int) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 10)
        self.images = images

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) >= self.images:
            torch.empty(2**60, dtype=torch.uint8)
        return self.linear(images.mean((2, 3)))  # type: ignore[no-any-return]


@pytest.mark.parametrize(("hungry", "fits"), [(9, 8), (5, 4), (3, 2), (2, None)])
def test_batches_are_halved_until_they_fit(hungry: int, fits: int | None) -> None:
    net = Hungry(hungry)
    assert fitting_batch_size(net, RECIPE, classes=2, resolution=4, device=CPU) == fits


def test_other_failures_are_not_taken_for_a_lack_of_memory() -> None:
    with pytest.raises(RuntimeError, match="shape") as failure:
        fitting_batch_size(nn.Linear(5, 2), RECIPE, classes=2, resolution=4, device=CPU)
    assert not lacks_memory(failure.value)
    assert lacks_memory(torch.OutOfMemoryError("CUDA out of memory"))
    for said in ("CUBLAS_STATUS_ALLOC_FAILED", "GET was unable to find an engine to execute this"):
        assert lacks_memory(RuntimeError(said))


def test_the_advice_names_what_fits() -> None:
    def advice(hungry: int, batch: int = 8, team: Team = SOLO) -> str:
        recipe = Recipe(batch_size=batch)
        return memory_advice(
            Hungry(hungry), recipe, batch=batch, classes=2, resolution=4, device=CPU, team=team
        )

    assert "batches of 8 images of 4 px do not fit cpu: take --batch-size 2, or" in advice(3)
    assert "nor would two images" in advice(2)
    assert "nor would two images" in advice(2, batch=2)
    assert "take --batch-size 4, or auto" in advice(3, team=Team(0, 2))


def test_a_training_that_runs_out_of_memory_says_so_in_a_line(digits: DeviceData) -> None:
    trainer = Trainer(
        Hungry(5), ResidentSource(digits), Recipe(batch_size=8), resolution=16, seed=0
    )
    with pytest.raises(EffsearchError, match=r"batches of 7 .* take --batch-size 4, or"):
        trainer.train()


def test_a_process_with_little_memory_finds_what_fits() -> None:
    script = """
        import resource
        import torch
        from torch import nn
        from effsearch.training.loop.batch_size import fitting_batch_size
        from effsearch.training.recipes.recipe import Recipe
        torch.set_num_threads(1)
        net = nn.Sequential(
            nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(64, 2),
        )
        def find(size):
            return fitting_batch_size(
                net, Recipe(batch_size=size), classes=2, resolution=64, device=torch.device("cpu")
            )
        find(2)
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, resource.RLIM_INFINITY))
        print(find(1024))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) in (16, 32, 64, 128)

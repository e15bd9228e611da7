"""One step of a training: images augmented, gradients summed, weights moved, averages kept."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from effsearch.training.augment import Augmenter
from effsearch.training.devices.device import choose_precision
from effsearch.training.devices.graphs import Replays, captured
from effsearch.training.devices.precision import autocast
from effsearch.training.devices.synced_norm import share_gradients, synchronise_norms
from effsearch.training.devices.team import SOLO, Team
from effsearch.training.loop.ema import WeightAverage
from effsearch.training.loop.optimizer import make_optimizer
from effsearch.training.loop.optimizer_state import (
    optimizer_numbers,
    optimizer_tensors,
    restore_optimizer,
)
from effsearch.training.loop.state import EMA, OPTIMIZER, copied, fill, plain, prefixed, under
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.seeds import mixed_seed

if TYPE_CHECKING:
    from effsearch.training.recipes.schedule import Phase
    from effsearch.training.sources import Batches


class Learner:
    """A network on its device with all that moves its weights.

    Args:
        network: moved to the device of `mean`; in a team its normalization is synchronised.
        classes: outputs of the network.
        mean, std: float32 (3,), of the images in grey levels 0..255.
        seed: with a step's number it decides what is random in the step.
    """

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        *,
        classes: int,
        mean: Tensor,
        std: Tensor,
        seed: int,
        team: Team = SOLO,
    ) -> None:
        self.device = mean.device
        self.precision = choose_precision(recipe.precision, self.device)
        network.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = synchronise_norms(network, team, self.device)
        self.optimizer = make_optimizer(self.network, recipe)
        self.average = WeightAverage(self.network, recipe.ema_decay) if recipe.ema_decay else None
        self._augment = Augmenter(recipe, classes, mean, std)
        self._forward = share_gradients(_compiled(self.network, recipe), team, self.device)
        self._captures = recipe.cuda_graph and self.device.type == "cuda" and team.size == 1
        self._captured: tuple[object, Replays] | None = None  # for which batches, and what
        self._parameters = list(self.network.parameters())
        self._recipe = recipe
        self._seed = seed
        self._team = team

    def step(self, number: int, batches: "Batches", phase: "Phase", rate: float) -> Tensor:
        """Take the next batches and learn from them.

        Args:
            number: of the step in the whole training, from 0.
            batches: yields one batch or, where gradients are accumulated, several.
            rate: learning rate.

        Returns:
            The mean loss of this worker's images, without waiting for the device.
        """
        recipe = self._recipe
        torch.manual_seed(mixed_seed(self._seed, number, self._team.rank))
        total: Tensor | None = None
        for part in range(recipe.accumulate):
            with self._gradients(part):
                loss = self._learn(*next(batches), phase)
            total = loss if total is None else total + loss
        if recipe.gradient_clip:
            nn.utils.clip_grad_norm_(self._parameters, recipe.gradient_clip)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(number)
        assert total is not None
        return total

    def close(self) -> None:
        """Give up gradients and captured passes, whose memory somebody else needs."""
        self.optimizer.zero_grad(set_to_none=True)
        self._captured = None

    def averaged(self) -> AbstractContextManager[None]:
        """Inside the block the network has its averaged weights, where the recipe averages."""
        return self.average.applied_to(self.network) if self.average else nullcontext()

    def state(self) -> dict[str, Tensor]:
        """All tensors, copied to the CPU: the network's under their plain names, averaged weights
        under `ema.`, the optimizer's under `optimizer.`."""
        averages = self.average.state_dict() if self.average else {}
        buffers = optimizer_tensors(self.optimizer, self.network)
        return copied(
            self.network.state_dict() | prefixed(EMA, averages) | prefixed(OPTIMIZER, buffers)
        )

    def numbers(self) -> dict[str, int | float]:
        """What the optimizer remembers besides tensors, as JSON data."""
        return optimizer_numbers(self.optimizer, self.network)

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go on from what `state()` and `numbers()` gave.

        Raises:
            InputError: they are of another network.
        """
        fill(self.network.state_dict(), plain(tensors))
        if self.average:
            fill(self.average.state_dict(), under(EMA, tensors))
        restore_optimizer(self.optimizer, self.network, under(OPTIMIZER, tensors), numbers)

    def _gradients(self, part: int) -> AbstractContextManager[None]:
        """Gradients of the last part alone are shared: they are the sum of all parts'."""
        if part < self._recipe.accumulate - 1 and isinstance(
            self._forward, DistributedDataParallel
        ):
            return self._forward.no_sync()
        return nullcontext()

    def _learn(self, images: Tensor, labels: Tensor, phase: "Phase") -> Tensor:
        """Augment a batch and add its gradients to the parameters; its loss."""
        inputs, targets = self._augment(images, labels, phase)
        if not self._captures:
            return self._pass(inputs, targets)
        wanted = (phase, inputs.shape, targets.shape)
        if self._captured is None or self._captured[0] != wanted:
            self._captured = None  # its memory is free for the next
            self._captured = (wanted, captured(self._pass, self.network, inputs, targets))
        return self._captured[1](inputs, targets)

    def _pass(self, inputs: Tensor, targets: Tensor) -> Tensor:
        recipe = self._recipe
        with autocast(self.device, self.precision, cached=not self._captures):
            logits = self._forward(inputs)
        loss = F.cross_entropy(logits.float(), targets, label_smoothing=recipe.label_smoothing)
        loss = loss / recipe.accumulate
        torch.autograd.backward(loss)
        return loss.detach()


def _compiled(network: nn.Module, recipe: Recipe) -> nn.Module:
    if not recipe.compile:
        return network
    # One program a size: progressive training has a few, and programs for any size are slower.
    return cast(nn.Module, torch.compile(network, dynamic=False))

"""What a step of a supernet's training teaches: the networks of the step, to answer the labels.

A step's networks are cut out, their gradients put back, and one step of the optimizer taken.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from effsearch.search_spaces.space import Encodings
from effsearch.training.devices.device import choose_precision
from effsearch.training.devices.precision import autocast
from effsearch.training.loop.optimizer import make_optimizer
from effsearch.training.loop.optimizer_state import (
    optimizer_numbers,
    optimizer_tensors,
    restore_optimizer,
)
from effsearch.training.loop.state import OPTIMIZER, prefixed, under
from effsearch.training.recipes.schedule import learning_rate
from effsearch.training.supernet.recipe import SupernetRecipe
from effsearch.training.supernet.supernet import Supernet

Sampled = Callable[[int], Encodings]
"""From a step's number to the encodings it is taken on."""


class Lesson(ABC):
    """Takes the steps of a training; what it keeps from one step to the next can be saved.

    Args:
        supernet: on its device.
        sampler: networks of a step.
        recipe: of the supernet.
        steps: of the whole training.
        steps_per_epoch: of them in one pass over the images.
    """

    def __init__(
        self,
        supernet: Supernet,
        sampler: Sampled,
        recipe: SupernetRecipe,
        *,
        steps: int,
        steps_per_epoch: int,
    ) -> None:
        self.supernet, self.sampler, self.recipe = supernet, sampler, recipe
        self.steps, self.steps_per_epoch = steps, steps_per_epoch
        self._device = next(supernet.parameters()).device
        self._precision = choose_precision(recipe.training.precision, self._device)

    @abstractmethod
    def step(self, number: int, images: Tensor, labels: Tensor) -> Tensor:
        """Take a step, counted from 0, on augmented images.

        Returns:
            What `measure` says, without waiting for the device.
        """

    @abstractmethod
    def measure(self, number: int) -> str:
        """What `step` gives for a step, in words; `loss` for that of whole networks."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """What the next step needs beside the supernet's tensors, each name with a prefix that
        `effsearch.training.loop.state.plain` leaves out."""

    @abstractmethod
    def numbers(self) -> dict[str, Any]:
        """The same of what is no tensor, as JSON data."""

    @abstractmethod
    def restore(self, step: int, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go on before a step from what `tensors` and `numbers` gave.

        Raises:
            InputError: they are of another training.
        """

    def answers(self, network: nn.Module, images: Tensor) -> Tensor:
        """Logits (N, classes) in the training's precision."""
        with autocast(self._device, self._precision):
            logits: Tensor = network(images).float()
        return logits

    def take(self, module: nn.Module, optimizer: torch.optim.Optimizer, rate: float) -> None:
        """One step of an optimizer of a module at a learning rate; gradients are forgotten."""
        clip = self.recipe.training.gradient_clip
        if clip:
            nn.utils.clip_grad_norm_(module.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


class WholeNetworks(Lesson):
    """The networks of each step learn the labels, or all but the first what the first answers."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._optimizer = make_optimizer(self.supernet, self.recipe.training)
        _remember_nothing(self._optimizer)

    def step(self, number: int, images: Tensor, labels: Tensor) -> Tensor:
        recipe, training = self.recipe, self.recipe.training
        teacher: Tensor | None = None
        losses: list[Tensor] = []
        encodings = self.sampler(number)
        for encoding in encodings:
            network = self.supernet.cut(self.supernet.space.decode(encoding))
            logits = self.answers(network, images)
            loss = F.cross_entropy(logits, labels, label_smoothing=training.label_smoothing)
            losses.append(loss.detach())
            if teacher is not None:
                loss = F.cross_entropy(logits, teacher)
            torch.autograd.backward(loss / len(encodings))
            self.supernet.collect(network)
            if teacher is None and recipe.distillation:
                teacher = logits.detach().softmax(1)
        rate = learning_rate(number, self.steps_per_epoch, training)
        self.take(self.supernet, self._optimizer, rate)
        small = losses[1:] if recipe.sampling == "sandwich" else losses
        return torch.stack(small).mean()

    def measure(self, number: int) -> str:
        return "loss"

    def tensors(self) -> dict[str, Tensor]:
        return prefixed(OPTIMIZER, optimizer_tensors(self._optimizer, self.supernet))

    def numbers(self) -> dict[str, Any]:
        return {"optimizer_numbers": optimizer_numbers(self._optimizer, self.supernet)}

    def restore(self, step: int, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        kept = numbers.get("optimizer_numbers", {})
        restore_optimizer(self._optimizer, self.supernet, under(OPTIMIZER, tensors), kept)


def _remember_nothing(optimizer: torch.optim.Optimizer) -> None:
    """Give SGD's momentum its zeros beforehand: a step's networks have some of the tensors, and
    torch's fused form takes none that has no momentum yet beside one that has."""
    for group in optimizer.param_groups:
        if isinstance(optimizer, torch.optim.SGD) and group["momentum"]:
            for parameter in group["params"]:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)

"""The training of a supernet: networks of a step cut out, their gradients put back, one step.

As with an ordinary training, everything random follows from the seed and the step, so weights, the
optimizer's buffers and the number of steps are all that has to be kept.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.space import Encodings
from effsearch.training.augment import Augmenter
from effsearch.training.devices.device import choose_precision, cpu_threads
from effsearch.training.devices.precision import autocast
from effsearch.training.devices.team import SOLO
from effsearch.training.loop.optimizer import make_optimizer
from effsearch.training.loop.optimizer_state import (
    optimizer_numbers,
    optimizer_tensors,
    restore_optimizer,
)
from effsearch.training.loop.state import (
    OPTIMIZER,
    all_finite,
    copied,
    fill,
    plain,
    prefixed,
    under,
)
from effsearch.training.recipes.schedule import learning_rate, phase_at
from effsearch.training.recipes.seeds import mixed_seed
from effsearch.training.sources import ImageSource, TrainView
from effsearch.training.sources.batch_plan import plan_batches
from effsearch.training.supernet.calibration import check_enough
from effsearch.training.supernet.recipe import SupernetRecipe
from effsearch.training.supernet.supernet import Supernet


@dataclass(frozen=True, kw_only=True)
class SupernetReport:
    """Where a supernet's training stands.

    Attributes:
        step, steps: done, and of the whole training.
        epoch, epochs: begun, from 1, and of the whole training.
        loss: mean of the last steps' networks; of a sandwich without the largest, which is
            trained in every step and may learn while the others do not.
        chance: loss of a network that finds all classes equally likely.
        seconds: trained so far, before a stop counted in.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float
    chance: float
    seconds: float

    @property
    def warning(self) -> str | None:
        """What a user should know of a finished training that has learned next to nothing."""
        if self.step < self.steps or self.loss < _LEARNED * self.chance:
            return None
        return (
            f"the supernet has learned next to nothing (loss {self.loss:.3f}, chance "
            f"{self.chance:.3f}), so how it ranks networks means nothing: train it longer, "
            "on more data or with a larger lr"
        )


_LEARNED = 0.95  # of the loss of chance: above it a supernet has learned next to nothing
_FIRST = 5.0  # seconds until the first report

OnReport = Callable[[SupernetReport], None]


class DivergedSupernetError(EffsearchError):
    """The loss or a weight of a supernet is no finite number any more."""


class SupernetTrainer:
    """Trains a supernet in place; resumed from `state()` and `progress()` it goes on as it was.

    Args:
        supernet: moved to the source's device.
        sampler: from a step's number to the encodings it is taken on, the first the teacher.
        source: images on their device.
        recipe: how to train.
        resolution: pixels.
        seed: of the order of images, augmentation and dropout.
        band: the networks that are sampled, in words; another one is another training.

    Raises:
        InputError: too few images to train on, or to recalibrate normalization.
    """

    def __init__(
        self,
        supernet: Supernet,
        sampler: Callable[[int], Encodings],
        source: ImageSource,
        recipe: SupernetRecipe,
        *,
        resolution: int,
        seed: int,
        band: str = "",
    ) -> None:
        self._band = band
        self._supernet, self._sampler, self._source = supernet, sampler, source
        self._recipe, self._resolution, self._seed = recipe, resolution, seed
        training = recipe.training
        images = len(source.labels["train"])
        check_enough(images, "the data")
        self._plan = plan_batches(images, training, SOLO)
        self._device = source.device
        supernet.to(self._device)
        self._optimizer = make_optimizer(supernet, training)
        _remember_nothing(self._optimizer)
        self._augment = Augmenter(training, len(source.class_names), source.mean, source.std)
        self._precision = choose_precision(training.precision, self._device)
        self._steps_done = 0
        self._seconds = 0.0

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return self._recipe.training.epochs * self._plan.steps

    @property
    def finished(self) -> bool:
        """Whether the last step is taken."""
        return self._steps_done >= self.steps

    def train(self, on_report: OnReport | None = None, every: float = 20.0) -> None:
        """Train from where it stands to the end.

        Args:
            on_report: called about every so many seconds and at the end; it may call `state()` and
                `progress()`, and what it raises ends the training.
            every: seconds between two reports, and less in the beginning.

        Raises:
            DivergedSupernetError: the loss is no finite number.
        """
        training = self._recipe.training
        begun = time.perf_counter() - self._seconds
        told = time.perf_counter()
        losses: list[Tensor] = []
        with cpu_threads(training.threads), torch.random.fork_rng(devices=self._forked):
            while not self.finished:
                epoch, first = divmod(self._steps_done, self._plan.steps)
                batches = self._source.train_batches(
                    self._plan.batches(self._seed, epoch, 0)[first:],
                    TrainView(
                        resolution=self._resolution,
                        crop_scale=training.crop_scale,
                        seed=mixed_seed(self._seed, epoch, 0),
                        first=first,
                    ),
                )
                for images, labels in batches:
                    losses.append(self._step(images, labels, epoch))
                    self._steps_done += 1
                    now = time.perf_counter()
                    if now - told < min(every, _FIRST + (now - begun) / 10) and not self.finished:
                        continue
                    told, self._seconds = now, now - begun
                    self._report(losses, epoch, on_report)
                    losses = []

    def state(self) -> dict[str, Tensor]:
        """All tensors, copied to the CPU: the shared ones by their names, the optimizer's under
        `optimizer.`.

        Raises:
            DivergedSupernetError: a weight is no finite number, so that a good file is kept.
        """
        if not all_finite(self._supernet.state_dict().values()):
            raise self._diverged("a weight")
        buffers = optimizer_tensors(self._optimizer, self._supernet)
        return copied(self._supernet.state_dict() | prefixed(OPTIMIZER, buffers))

    def progress(self) -> dict[str, Any]:
        """How far it has come, as plain JSON data."""
        return {
            **self._identity(),
            "steps": self._steps_done,
            "seconds": self._seconds,
            "optimizer_numbers": optimizer_numbers(self._optimizer, self._supernet),
        }

    def restore(self, tensors: Mapping[str, Tensor], progress: Mapping[str, Any]) -> None:
        """Go on from what `state()` and `progress()` gave.

        Raises:
            InputError: they are of another training.
        """
        for name, here in self._identity().items():
            there = progress.get(name)
            if there != here:
                raise InputError(
                    f"this supernet's training has {name.replace('_', ' ')} {here}, and the one "
                    f"begun {there}: go on with the data and options it was begun with"
                )
        fill(self._supernet.state_dict(), plain(tensors))
        restore_optimizer(
            self._optimizer,
            self._supernet,
            under(OPTIMIZER, tensors),
            progress.get("optimizer_numbers", {}),
        )
        self._steps_done = int(progress["steps"])
        self._seconds = float(progress["seconds"])

    def _step(self, images: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """Take one step; the loss of its networks, without waiting for the device."""
        recipe, training = self._recipe, self._recipe.training
        number = self._steps_done
        torch.manual_seed(mixed_seed(self._seed, number, 0))
        inputs, targets = self._augment(images, labels, phase_at(epoch, training, self._resolution))
        teacher: Tensor | None = None
        losses: list[Tensor] = []
        encodings = self._sampler(number)
        for encoding in encodings:
            network = self._supernet.cut(self._supernet.space.decode(encoding))
            with autocast(self._device, self._precision):
                logits = network(inputs).float()
            loss = F.cross_entropy(logits, targets, label_smoothing=training.label_smoothing)
            losses.append(loss.detach())
            if teacher is not None:
                loss = F.cross_entropy(logits, teacher)
            torch.autograd.backward(loss / len(encodings))
            self._supernet.collect(network)
            if teacher is None and recipe.distillation:
                teacher = logits.detach().softmax(1)
        if training.gradient_clip:
            nn.utils.clip_grad_norm_(self._supernet.parameters(), training.gradient_clip)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(number, self._plan.steps, training)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        small = losses[1:] if recipe.sampling == "sandwich" else losses
        return torch.stack(small).mean()

    def _report(self, losses: list[Tensor], epoch: int, on_report: OnReport | None) -> None:
        loss = float(torch.stack(losses).mean())
        if not math.isfinite(loss):
            raise self._diverged("the loss")
        if on_report is not None:
            on_report(
                SupernetReport(
                    step=self._steps_done,
                    steps=self.steps,
                    epoch=epoch + 1,
                    epochs=self._recipe.training.epochs,
                    loss=loss,
                    chance=math.log(self._supernet.classes),
                    seconds=self._seconds,
                )
            )

    def _diverged(self, what: str) -> DivergedSupernetError:
        return DivergedSupernetError(
            f"the supernet diverged: {what} is not a finite number after step {self._steps_done}; "
            "train it anew with a smaller lr, or with gradient_clip 1"
        )

    @property
    def _forked(self) -> list[torch.device]:
        return [self._device] if self._device.type == "cuda" else []

    def _identity(self) -> dict[str, Any]:
        """What must be the same for a resumption to make sense."""
        recipe = asdict(self._recipe)
        recipe["training"].pop("threads")
        return {
            "seed": self._seed,
            "training_images": self._plan.images,
            "resolution": self._resolution,
            "band": self._band,
            "recipe": recipe,
        }


def _remember_nothing(optimizer: torch.optim.Optimizer) -> None:
    """Give SGD's momentum its zeros beforehand: a step's networks have some of the tensors, and
    torch's fused form takes none that has no momentum yet beside one that has."""
    for group in optimizer.param_groups:
        if isinstance(optimizer, torch.optim.SGD) and group["momentum"]:
            for parameter in group["params"]:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)

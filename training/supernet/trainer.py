"""The training of a supernet: images in, steps taken, how far it is told and kept.

As with an ordinary training, everything random follows from the seed and the step, so weights, what
the lesson keeps and the number of steps are all that has to be kept.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.space import Encodings
from effsearch.training.augment import Augmenter
from effsearch.training.devices.device import cpu_threads
from effsearch.training.devices.team import SOLO
from effsearch.training.loop.state import all_finite, copied, fill, plain
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.schedule import phase_at
from effsearch.training.recipes.seeds import mixed_seed
from effsearch.training.sources import ImageSource, TrainView
from effsearch.training.sources.batch_plan import plan_batches
from effsearch.training.supernet.blockwise import Blockwise
from effsearch.training.supernet.calibration import check_enough
from effsearch.training.supernet.lesson import Lesson, WholeNetworks
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
        measure: what `loss` is, in words.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float
    chance: float
    seconds: float
    measure: str = "loss"

    @property
    def progress(self) -> str:
        """How far it is, in words."""
        return (
            f"step {self.step:,} of {self.steps:,} (epoch {self.epoch} of {self.epochs}), "
            f"{self.measure} {self.loss:.3f}, {self.seconds:.0f} s"
        )

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
        candidates: so many encodings of networks that may teach a blockwise training.
        source: images on their device.
        recipe: how to train.
        resolution: pixels.
        seed: of the order of images, augmentation and dropout.
        band: the networks that are sampled, in words; another one is another training.

    Raises:
        InputError: too few images to train on, or to recalibrate normalization; or a space whose
            stages cannot learn one by one, for a blockwise training.
    """

    def __init__(
        self,
        supernet: Supernet,
        sampler: Callable[[int], Encodings],
        candidates: Callable[[int], Encodings],
        source: ImageSource,
        recipe: SupernetRecipe,
        *,
        resolution: int,
        seed: int,
        band: str = "",
    ) -> None:
        self._band = band
        self._supernet, self._source = supernet, source
        self._recipe, self._resolution, self._seed = recipe, resolution, seed
        training = recipe.training
        images = len(source.labels["train"])
        check_enough(images, "the data")
        self._plan = plan_batches(images, training, SOLO)
        self._device = source.device
        supernet.to(self._device)
        lesson = partial(Blockwise, candidates) if recipe.blockwise else WholeNetworks
        self._lesson: Lesson = lesson(
            supernet, sampler, recipe, steps=self.steps, steps_per_epoch=self._plan.steps
        )
        self._augment = Augmenter(training, len(source.class_names), source.mean, source.std)
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
        measure = ""
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
                    now_measured = self._lesson.measure(self._steps_done)
                    if now_measured != measure:
                        losses, measure = [], now_measured
                    losses.append(self._step(images, labels, epoch))
                    self._steps_done += 1
                    now = time.perf_counter()
                    if now - told < min(every, _FIRST + (now - begun) / 10) and not self.finished:
                        continue
                    told, self._seconds = now, now - begun
                    self._report(losses, epoch, measure, on_report)
                    losses = []

    def state(self) -> dict[str, Tensor]:
        """All tensors, copied to the CPU: the shared ones by their names, the others with a prefix
        before them.

        Raises:
            DivergedSupernetError: a weight is no finite number, so that a good file is kept.
        """
        if not all_finite(self._supernet.state_dict().values()):
            raise self._diverged("a weight")
        return copied(self._supernet.state_dict() | self._lesson.tensors())

    def progress(self) -> dict[str, Any]:
        """How far it has come, as plain JSON data."""
        return {
            **self._identity(),
            "steps": self._steps_done,
            "seconds": self._seconds,
            **self._lesson.numbers(),
        }

    def restore(self, tensors: Mapping[str, Tensor], progress: Mapping[str, Any]) -> None:
        """Go on from what `state()` and `progress()` gave.

        Raises:
            InputError: they are of another training.
        """
        for name, here in self._identity().items():
            there = progress.get(name)
            if name == "recipe" and isinstance(there, Mapping):
                there = _with_newer_options(there)
            if there != here:
                raise InputError(
                    f"this supernet's training has {name.replace('_', ' ')} {here}, and the one "
                    f"begun {there}: go on with the data and options it was begun with"
                )
        fill(self._supernet.state_dict(), plain(tensors))
        self._lesson.restore(int(progress["steps"]), tensors, progress)
        self._steps_done = int(progress["steps"])
        self._seconds = float(progress["seconds"])

    def _step(self, images: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """Take one step; the loss of its networks, without waiting for the device."""
        torch.manual_seed(mixed_seed(self._seed, self._steps_done, 0))
        phase = phase_at(epoch, self._recipe.training, self._resolution)
        return self._lesson.step(self._steps_done, *self._augment(images, labels, phase))

    def _report(
        self, losses: list[Tensor], epoch: int, measure: str, on_report: OnReport | None
    ) -> None:
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
                    measure=measure,
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
        return {
            "seed": self._seed,
            "training_images": self._plan.images,
            "resolution": self._resolution,
            "band": self._band,
            "recipe": _with_newer_options(asdict(self._recipe)),
        }


def _with_newer_options(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe as a file has it, which may be older than some options; less the threads."""
    found = {**asdict(SupernetRecipe()), **recipe}
    found["training"] = {**asdict(Recipe()), **found["training"]}
    del found["training"]["threads"]
    return found

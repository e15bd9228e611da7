"""One training that can be stopped and resumed: network, images, recipe, and how far it has come.

Every step seeds torch anew, from the seed and the step's number. So weights, averages, the
optimizer's buffers and the number of steps are all that a checkpoint has to hold.
"""

import math
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import torch
from torch import Tensor, nn

from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.training.devices.convolutions import fastest_convolutions
from effsearch.training.devices.device import cpu_threads
from effsearch.training.devices.team import SOLO, Team
from effsearch.training.loop.batch_size import lacks_memory, memory_advice
from effsearch.training.loop.evaluation import Evaluation, evaluate_network, evaluation_batch
from effsearch.training.loop.learner import Learner
from effsearch.training.loop.loss_sync import Looks
from effsearch.training.loop.reports import (
    EpochReport,
    OnEpoch,
    OnStep,
    StepReport,
    TrainingResult,
    report_from_json,
    report_to_json,
    training_result,
)
from effsearch.training.loop.state import all_finite, copied
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.schedule import Phase, learning_rate, phase_at
from effsearch.training.recipes.seeds import mixed_seed
from effsearch.training.sources import EvaluationView, ImageSource, TrainView
from effsearch.training.sources.batch_plan import plan_batches


class DivergedError(EffsearchError):
    """The loss or a weight is not a finite number any more."""


class Trainer:
    """Trains a network in place; everything random follows from the seed and the step.

    A training that is resumed from any `state()` and `progress()` continues as if it had never
    stopped: on the CPU the weights are the same to the last bit.

    Args:
        network: images (N, 3, H, W) to logits (N, classes), with the dropout and stochastic depth
            that the recipe wants already built in; moved to the source's device.
        source: the dataset, on this worker's device.
        resolution: of training (in the last phase) and validation, in pixels.
        seed: of the order of images, augmentation, dropout and stochastic depth. Initial weights
            are the caller's (see `effsearch.training.recipes.seeds.build_seeded`).
        team: the workers that share this training; each has a Trainer of its own.

    Raises:
        InputError: too few images for one batch of two on every worker.
    """

    def __init__(
        self,
        network: nn.Module,
        source: ImageSource,
        recipe: Recipe,
        *,
        resolution: int,
        seed: int,
        team: Team = SOLO,
    ) -> None:
        self._source = source
        self._recipe = recipe
        self._resolution = resolution
        self._seed = seed
        self._team = team
        self._plan = plan_batches(len(source.labels["train"]), recipe, team)
        self._learner = Learner(
            network,
            recipe,
            classes=len(source.class_names),
            mean=source.mean,
            std=source.std,
            seed=seed,
            team=team,
        )
        self._network = self._learner.network
        self._device = source.device
        # How far it has come: steps in all, and of the epoch that is not yet reported its summed
        # loss and its seconds.
        self._steps_done = 0
        self._loss_sum = torch.zeros((), device=self._device)
        self._seconds = 0.0
        self._curve: list[EpochReport] = []

    def train(
        self, on_step: OnStep | None = None, on_epoch: OnEpoch | None = None
    ) -> TrainingResult:
        """Train from where it stands to the last epoch, and validate after each.

        Callbacks may call `state()`, `progress()` and `model_weights()`; a step's are those of the
        middle of an epoch. What a callback raises ends the training. A training that diverged
        ends with the epoch whose report says so; its `state()` is refused.

        Args:
            on_step: after every step on a CPU; on other devices a few times a second, and after an
                epoch's last step. The loss was a finite number then. In a team each worker's is
                called, every ten steps.
            on_epoch: after each epoch's validation.

        Raises:
            EffsearchError: out of memory; the batch size that fits is named.
        """
        try:
            return self._train(on_step, on_epoch)
        except RuntimeError as error:
            if not lacks_memory(error):
                raise
        # Outside of the handler: the error keeps the tensors of the failed step alive.
        advice = memory_advice(
            self._learner.network,
            self._recipe,
            batch=self._plan.batch,
            classes=len(self._source.class_names),
            resolution=self._resolution,
            device=self._device,
            team=self._team,
        )
        raise EffsearchError(advice)

    def validate(self) -> Evaluation:
        """Evaluate on the validation part, with averaged weights where the recipe averages."""
        source = self._source
        view = EvaluationView(
            batch_size=evaluation_batch(self._resolution),
            resolution=self._resolution,
            crop_ratio=self._recipe.crop_ratio,
            team=self._team,
        )
        with self._learner.averaged():
            return evaluate_network(
                self._network,
                source.evaluation_batches("validation", view),
                source.class_names,
                source.mean,
                source.std,
                precision=self._learner.precision,
                team=self._team,
            )

    def state(self) -> dict[str, Tensor]:
        """All tensors that a checkpoint needs, copied to the CPU; see `Learner.state`.

        Raises:
            DivergedError: a weight is not a finite number, so that a good checkpoint is not
                overwritten by this one.
        """
        if not all_finite(self._network.state_dict().values()):
            raise DivergedError(
                f"training diverged: a weight is not a finite number after step {self._steps_done}"
            )
        return self._learner.state()

    def progress(self) -> dict[str, Any]:
        """How far the training has come, as plain JSON data, to be kept beside `state()`."""
        return {
            **self._identity(),
            "steps": self._steps_done,
            "loss_sum": self._loss_sum.item(),
            "seconds": self._seconds,
            "optimizer_numbers": self._learner.numbers(),
            "curve": [report_to_json(report) for report in self._curve],
        }

    def restore(self, tensors: Mapping[str, Tensor], progress: Mapping[str, Any]) -> None:
        """Continue from what `state()` and `progress()` gave.

        Raises:
            InputError: they are of another network, recipe, seed, number of images or workers.
        """
        for name, here in self._identity().items():
            there = progress.get(name)
            if there != here:
                raise InputError(
                    f"this training has {name.replace('_', ' ')} {here}, the checkpoint {there}: "
                    "resume with the data and the options it was started with"
                )
        self._learner.restore(tensors, progress["optimizer_numbers"])
        self._steps_done = progress["steps"]
        self._loss_sum.fill_(progress["loss_sum"])
        self._seconds = progress["seconds"]
        self._curve = [report_from_json(row) for row in progress["curve"]]

    def model_weights(self) -> dict[str, Tensor]:
        """The weights that validation measures, copied to the CPU, by plain names: averaged ones
        where the recipe averages, else the network's."""
        with self._learner.averaged():
            return copied(self._network.state_dict())

    def _train(self, on_step: OnStep | None, on_epoch: OnEpoch | None) -> TrainingResult:
        start = time.perf_counter()
        devices = [self._device] if self._device.type == "cuda" else []
        steps = self._recipe.epochs * self._plan.steps
        with (
            cpu_threads(self._recipe.threads),
            torch.random.fork_rng(devices=devices),
            fastest_convolutions(self._device, steps),
            closing(self._learner),
        ):
            while not self._finished():
                report = self._epoch(on_step)
                self._curve.append(report)
                self._loss_sum.zero_()
                self._seconds = 0.0
                if on_epoch is not None:
                    on_epoch(report)
        return training_result(tuple(self._curve), time.perf_counter() - start)

    def _identity(self) -> dict[str, Any]:
        """What must be the same for a resumption to make sense."""
        return {
            "seed": self._seed,
            "training_images": self._plan.images,
            "steps_per_epoch": self._plan.steps,
            "workers": self._plan.workers,
            "optimizer": self._recipe.optimizer,
            "averaged_weights": self._learner.average is not None,
        }

    def _finished(self) -> bool:
        curve = self._curve
        return len(curve) >= self._recipe.epochs or bool(curve and curve[-1].diverged)

    def _epoch(self, on_step: OnStep | None) -> EpochReport:
        """Train the rest of the epoch that is begun, and validate."""
        epoch, plan, recipe = len(self._curve), self._plan, self._recipe
        start = time.perf_counter() - self._seconds
        phase = phase_at(epoch, recipe, self._resolution)
        self._set_dropout(phase)
        self._network.train()
        diverged = not self._train_steps(epoch, phase, start, on_step)
        steps = self._steps_done - epoch * plan.steps
        train_loss = self._mean_loss(steps)  # waits for the device, so the clock is right
        seconds = time.perf_counter() - start
        shown = self.validate()
        validated = shown.images > 0
        diverged = diverged or not math.isfinite(train_loss)
        diverged = diverged or (validated and not math.isfinite(shown.loss))
        return EpochReport(
            epoch=epoch + 1,
            epochs=recipe.epochs,
            train_loss=train_loss,
            validation_loss=shown.loss,
            accuracy=shown.top1,
            top5=shown.top5,
            learning_rate=self._rate(self._steps_done - 1),
            resolution=phase.resolution,
            seconds=time.perf_counter() - start,
            images_per_second=steps * plan.images_per_step / seconds,
            averaged=self._learner.average is not None,
            diverged_at=self._steps_done if diverged else None,
        )

    def _train_steps(self, epoch: int, phase: Phase, start: float, on_step: OnStep | None) -> bool:
        """Take the epoch's remaining steps; False as soon as the loss is seen not to be finite."""
        plan = self._plan
        first = self._steps_done - epoch * plan.steps
        rank, parts = self._team.rank, plan.accumulate
        batches = self._source.train_batches(
            plan.batches(self._seed, epoch, rank)[first * parts :],
            TrainView(
                resolution=phase.resolution,
                crop_scale=self._recipe.crop_scale,
                seed=mixed_seed(self._seed, epoch, rank),
                first=first * parts,
            ),
        )
        looks = Looks(
            plan.steps,
            watched=on_step is not None,
            free=self._device.type == "cpu",
            team=self._team.size > 1,
        )
        for step in range(first, plan.steps):
            number = self._steps_done
            rate = self._rate(number)
            self._loss_sum += self._learner.step(number, batches, phase, rate)
            self._steps_done += 1
            if not looks.due(step + 1):
                continue
            loss = self._mean_loss(step + 1)
            if not math.isfinite(loss):
                return False
            now = looks.looked()
            if on_step is not None:
                self._seconds = now - start
                on_step(
                    StepReport(
                        epoch=epoch + 1,
                        epochs=self._recipe.epochs,
                        step=step + 1,
                        steps=plan.steps,
                        images=(step + 1) * plan.images_per_step,
                        seconds=self._seconds,
                        loss=loss,
                        learning_rate=rate,
                    )
                )
        return True

    def _mean_loss(self, steps: int) -> float:
        """Mean over the epoch's steps and all workers; waits for the device."""
        # Every worker goes on with the mean, so that the first one's progress is that of all.
        self._loss_sum = self._team.sum(self._loss_sum) / self._team.size
        return self._loss_sum.item() / steps

    def _rate(self, step: int) -> float:
        return learning_rate(step, self._plan.steps, self._recipe, self._plan.workers)

    def _set_dropout(self, phase: Phase) -> None:
        """Only where it grows with the phases; else it is as the network was built."""
        dropout = getattr(self._network, "dropout", None)
        if self._recipe.phases > 1 and isinstance(dropout, nn.Dropout):
            dropout.p = phase.dropout

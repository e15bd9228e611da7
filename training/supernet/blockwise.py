"""Block-wise distillation: stages learn one by one what a trained network's stages do.

After DNA (Li et al. 2020, arXiv 1911.13053, section 3), with three changes. The teacher is a
network of the space, the best of a few after a short training, at the widest, so that stages need
no layer between them. A stage is held to a teacher's maps up to their scale. And in the end whole
networks learn what the teacher answers, since what stages lack adds up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.network import Network
from effsearch.search_spaces.space import Encodings
from effsearch.training.devices.precision import autocast
from effsearch.training.loop.optimizer import make_optimizer
from effsearch.training.loop.optimizer_state import (
    optimizer_numbers,
    optimizer_tensors,
    restore_optimizer,
)
from effsearch.training.loop.state import OPTIMIZER, TEACHER, fill, prefixed, under
from effsearch.training.recipes.schedule import learning_rate, peak_rate
from effsearch.training.supernet.lesson import Lesson
from effsearch.training.supernet.recipe import SupernetRecipe, why_not_blockwise
from effsearch.training.supernet.stages import feature_maps, losses_by_stage, widest

_NOW, _BEST = f"{TEACHER}now.", f"{TEACHER}best."
_TOLD = 3  # a candidate's worth is the mean loss of the last third of its steps


@dataclass(frozen=True)
class Leg:
    """A part of the training.

    Attributes:
        kind: `try` of a candidate, `teacher`, `stages` or `whole`.
        first, steps: its first step's number, and how many it has.
        candidate: that is tried.
    """

    kind: str
    first: int
    steps: int
    candidate: int = 0


def legs(recipe: SupernetRecipe, steps: int) -> list[Leg]:
    """What a training of so many steps does in turn; with too few no candidates are compared."""
    teaching = max(1, round(recipe.teacher_share * steps))
    joint = max(1, round(recipe.joint_share * steps))
    tried = teaching // 2 // recipe.teachers if recipe.teachers > 1 else 0
    lengths = [("try", tried, number) for number in range(recipe.teachers)]
    lengths.append(("teacher", teaching - tried * recipe.teachers, 0))
    lengths.append(("stages", max(0, steps - teaching - joint), 0))
    lengths.append(("whole", joint, 0))
    found, first = [], 0
    for kind, length, candidate in lengths:
        if length:
            found.append(Leg(kind, first, length, candidate))
        first += length
    return found


class Blockwise(Lesson):
    """Tries candidates, trains the best as a teacher, then stages, then whole networks.

    Args:
        candidates: encodings of networks that may teach, one or more; see `widest`.
        args, options: as of `Lesson`.

    Raises:
        InputError: the space's stages cannot learn one by one.
    """

    def __init__(self, candidates: Callable[[int], Encodings], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        space = self.supernet.space
        if reason := why_not_blockwise(space):
            raise InputError(
                f"{reason}, so its stages cannot learn one by one: take another recipe than "
                "blockwise, such as sandwich"
            )
        self._candidates = widest(space, candidates(self.recipe.teachers))
        self._legs = legs(self.recipe, self.steps)
        self._best: tuple[int, float] = (0, np.inf)
        self._best_tensors: dict[str, Tensor] = {}
        self._losses: list[Tensor] = []
        self._teacher = self._cut(0)
        self._optimizer = make_optimizer(self._teacher, self.recipe.training)

    def step(self, number: int, images: Tensor, labels: Tensor) -> Tensor:
        leg = self._leg(number)
        if leg.kind in ("try", "teacher"):
            loss = self._teach(leg, number, images, labels)
        elif leg.kind == "stages":
            loss = self._distil(leg, number, images, labels)
        else:
            loss = self._join(leg, number, images, labels)
        if number + 1 == leg.first + leg.steps:
            self._leave(leg)
        return loss

    def measure(self, number: int) -> str:
        leg = self._leg(number)
        return {
            "try": f"loss of a first teacher ({leg.candidate + 1} of {self.recipe.teachers})",
            "teacher": "loss of the best teacher",
            "stages": "distance of stages from the teacher's",
            "whole": "loss",
        }[leg.kind]

    def tensors(self) -> dict[str, Tensor]:
        return {
            **prefixed(OPTIMIZER, optimizer_tensors(self._optimizer, self._learner)),
            **prefixed(_NOW, self._teacher.state_dict()),
            **prefixed(_BEST, self._best_tensors),
        }

    def numbers(self) -> dict[str, Any]:
        best, loss = self._best
        return {
            "optimizer_numbers": optimizer_numbers(self._optimizer, self._learner),
            "teacher": {
                "network": self._number,
                "best": [best, loss if np.isfinite(loss) else None],
                "losses": [float(one) for one in self._losses],
            },
        }

    def restore(self, step: int, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        if step == self.steps:
            return
        kept = numbers["teacher"]
        best, loss = kept["best"]
        self._best = (best, np.inf if loss is None else loss)
        self._best_tensors = {
            name: tensor.to(self._device) for name, tensor in under(_BEST, tensors).items()
        }
        self._losses = [torch.tensor(one, device=self._device) for one in kept["losses"]]
        self._teacher = self._cut(kept["network"])
        fill(self._teacher.state_dict(), under(_NOW, tensors))
        self._begin(self._leg(step))
        restore_optimizer(
            self._optimizer, self._learner, under(OPTIMIZER, tensors), numbers["optimizer_numbers"]
        )

    def _teach(self, leg: Leg, number: int, images: Tensor, labels: Tensor) -> Tensor:
        training = self.recipe.training
        logits = self.answers(self._teacher, images)
        loss = F.cross_entropy(logits, labels, label_smoothing=training.label_smoothing)
        torch.autograd.backward(loss)
        self.take(self._teacher, self._optimizer, self._rate(leg, number, peak_rate(training)))
        if leg.kind == "try":
            self._losses.append(loss.detach())
        return loss.detach()

    def _distil(self, leg: Leg, number: int, images: Tensor, labels: Tensor) -> Tensor:
        smoothing = self.recipe.training.label_smoothing
        distances: list[Tensor] = []
        with torch.no_grad(), autocast(self._device, self._precision):
            wanted = feature_maps(self._teacher, images)
        encodings = self.sampler(number)
        for encoding in encodings:
            network = self.supernet.cut(self.supernet.space.decode(encoding))
            with autocast(self._device, self._precision):
                found, head = losses_by_stage(network, images, labels, wanted, smoothing)
            torch.autograd.backward((found.sum() + head) / len(encodings))
            self.supernet.collect(network)
            distances.append(found[1:].detach().mean())
        self.take(self.supernet, self._optimizer, self._rate(leg, number, self.recipe.stage_lr))
        return torch.stack(distances).mean()

    def _join(self, leg: Leg, number: int, images: Tensor, labels: Tensor) -> Tensor:
        losses: list[Tensor] = []
        with torch.no_grad():
            wanted = self.answers(self._teacher, images).softmax(1)
        encodings = self.sampler(number)
        for encoding in encodings:
            network = self.supernet.cut(self.supernet.space.decode(encoding))
            logits = self.answers(network, images)
            torch.autograd.backward(F.cross_entropy(logits, wanted) / len(encodings))
            self.supernet.collect(network)
            losses.append(F.cross_entropy(logits.detach(), labels))
        self.take(self.supernet, self._optimizer, self._rate(leg, number, self.recipe.joint_lr))
        return torch.stack(losses).mean()

    def _leave(self, leg: Leg) -> None:
        """Take what a leg was for over into the next."""
        if leg.kind == "try":
            worth = float(torch.stack(self._losses[-(len(self._losses) // _TOLD or 1) :]).mean())
            if worth < self._best[1] or not self._best_tensors:
                self._best = (leg.candidate, worth)
                self._best_tensors = {
                    name: tensor.clone() for name, tensor in self._teacher.state_dict().items()
                }
        elif leg.kind == "teacher":
            self.supernet.take_over(self._teacher)
        following = leg.first + leg.steps
        if following < self.steps:
            self._losses = []
            self._move_on(self._leg(following))

    def _move_on(self, leg: Leg) -> None:
        if leg.kind == "try":
            self._teacher = self._cut(leg.candidate)
        elif leg.kind == "teacher" and self._best_tensors:
            self._teacher = self._cut(self._best[0])
            fill(self._teacher.state_dict(), self._best_tensors)
            self._best_tensors = {}
        self._begin(leg)

    def _begin(self, leg: Leg) -> None:
        """The optimizer of a leg, and a teacher that does or does not learn."""
        if leg.kind in ("try", "teacher"):
            self._optimizer = make_optimizer(self._teacher, self.recipe.training)
            return
        self._teacher.requires_grad_(False)
        self._teacher.dropout.p = 0.0
        by_adam = replace(self.recipe.training, optimizer="adamw")
        self._optimizer = make_optimizer(self.supernet, by_adam)

    def _rate(self, leg: Leg, number: int, peak: float) -> float:
        """A climb and a cosine of the leg's own."""
        alone = replace(self.recipe.training, epochs=1, lr=peak, lr_images=None, schedule="cosine")
        return learning_rate(number - leg.first, leg.steps, alone)

    def _leg(self, number: int) -> Leg:
        return next(leg for leg in reversed(self._legs) if number >= leg.first)

    def _cut(self, number: int) -> Network:
        """A candidate as the supernet has it now, which in these legs is untrained."""
        self._number = number
        row = self._candidates[number % len(self._candidates)]
        return self.supernet.cut(self.supernet.space.decode(row))

    @property
    def _learner(self) -> torch.nn.Module:
        """What the optimizer is of."""
        return self._teacher if next(self._teacher.parameters()).requires_grad else self.supernet

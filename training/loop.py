"""The training loop: images that live on the device, augmented and normalised there in batches.

One network, one device, a few epochs, and an accuracy on the validation part. Nothing waits for
the device within an epoch except a rare look at whether the loss is still a number.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.augment import random_flip_and_shift
from training.device import DeviceData, choose_precision, cpu_threads
from training.optimizer import learning_rate, make_optimizer
from training.recipe import ProxyRecipe

EVALUATION_BATCH = 512
# Steps between two looks at the loss; each look waits for the device.
STEPS_BETWEEN_CHECKS = 50


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """What one epoch came to. Losses are means per image, accuracy is a fraction."""

    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float

    @property
    def diverged(self) -> bool:
        """Whether a loss is no finite number."""
        return not (math.isfinite(self.train_loss) and math.isfinite(self.validation_loss))


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """What one training came to.

    Attributes:
        accuracy: top-1 on the validation part after the last epoch, a fraction; nan if diverged.
        best_accuracy: the best epoch's; nan if none was finite.
        loss: mean training loss of the last epoch; not finite if diverged.
        curve: one report an epoch.
        seconds: wall-clock of the whole call.
        images_per_second: training images over the seconds of the last epoch, validation aside.
        diverged: the loss stopped being a finite number, and training stopped there.
    """

    accuracy: float
    best_accuracy: float
    loss: float
    curve: tuple[EpochReport, ...]
    seconds: float
    images_per_second: float
    diverged: bool


def build_seeded(factory: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Build a network whose initial weights depend on ``seed`` alone.

    The caller's random state (of the CPU) is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return factory()


def train_classifier(
    network: nn.Module,
    data: DeviceData,
    recipe: ProxyRecipe,
    *,
    seed: int,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> TrainingResult:
    """Train a network in place on ``data``'s device and validate it after every epoch.

    Order of images, augmentation, dropout and stochastic depth follow from ``seed``; on a CPU the
    same network, data, recipe and seed give the same weights to the last bit. Initial weights are
    the caller's (see `build_seeded`).

    Args:
        network: images (N, 3, H, W) to logits (N, classes); moved to the device.
        on_epoch: called after each epoch; what it raises ends the training.
    """
    start = time.perf_counter()
    devices = [data.device] if data.device.type == "cuda" else []
    curve: list[EpochReport] = []
    with cpu_threads(recipe.threads), torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        for report in _epochs(network, data, recipe, seed):
            curve.append(report)
            if on_epoch is not None:
                on_epoch(report)
    last = curve[-1]
    return TrainingResult(
        accuracy=math.nan if last.diverged else last.accuracy,
        best_accuracy=max((r.accuracy for r in curve if not r.diverged), default=math.nan),
        loss=last.train_loss,
        curve=tuple(curve),
        seconds=time.perf_counter() - start,
        images_per_second=last.images_per_second,
        diverged=last.diverged,
    )


def batch_plan(images: int, batch_size: int) -> tuple[int, int]:
    """Steps an epoch and images a step, for batches of one size that leave few images out.

    An odd last batch would train batch normalization on a handful of images, and fails on one.
    So the batches are shrunk until the images fill them; fewer images than steps are left out,
    others in each epoch. No batch is smaller than two.
    """
    steps = max(1, min(math.ceil(images / batch_size), images // 2))
    return steps, images // steps


def evaluate(
    network: nn.Module, images: Tensor, labels: Tensor, data: DeviceData, precision: torch.dtype
) -> tuple[float, float]:
    """Mean cross-entropy and top-1 accuracy (a fraction) over images on ``data``'s device.

    Args:
        images: uint8 (N, 3, H, W), N ≥ 1; labels: int64 (N,).
    """
    network.eval()
    loss = torch.zeros((), device=data.device)
    correct = torch.zeros((), device=data.device, dtype=torch.int64)
    with torch.inference_mode(), _autocast(data.device, precision):
        for some, wanted in zip(
            torch.split(images, EVALUATION_BATCH),
            torch.split(labels, EVALUATION_BATCH),
            strict=True,
        ):
            logits = network(_normalised(some, data)).float()
            loss += F.cross_entropy(logits, wanted, reduction="sum")
            correct += (logits.argmax(1) == wanted).sum()
    return loss.item() / len(labels), correct.item() / len(labels)


def _epochs(
    network: nn.Module, data: DeviceData, recipe: ProxyRecipe, seed: int
) -> Iterator[EpochReport]:
    """Train, validate and report epoch by epoch; ends after the first that diverged."""
    device = data.device
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    precision = choose_precision(recipe.precision, device)
    optimizer = make_optimizer(network, recipe)
    order = torch.Generator().manual_seed(seed)
    augmentation = torch.Generator(device=device).manual_seed(seed)
    steps, batch = batch_plan(len(data.train_labels), recipe.batch_size)

    for epoch in range(recipe.epochs):
        start = time.perf_counter()
        network.train()
        indices = torch.randperm(len(data.train_labels), generator=order)
        indices = indices.to(device, non_blocking=True)
        total = torch.zeros((), device=device)
        for step in range(steps):
            rate = learning_rate(
                epoch * steps + step, recipe.epochs * steps, recipe.warmup, recipe.lr
            )
            for group in optimizer.param_groups:
                group["lr"] = rate
            chosen = indices[step * batch : (step + 1) * batch]
            images = random_flip_and_shift(
                data.train_images[chosen], augmentation, flip=recipe.flip, shift=recipe.shift
            )
            with _autocast(device, precision):
                logits = network(_normalised(images, data))
            loss = F.cross_entropy(
                logits.float(), data.train_labels[chosen], label_smoothing=recipe.label_smoothing
            )
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            if recipe.gradient_clip:
                nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_clip)
            optimizer.step()
            total += loss.detach()
            if step % STEPS_BETWEEN_CHECKS == STEPS_BETWEEN_CHECKS - 1 and not total.isfinite():
                break
        train_loss = total.item() / (step + 1)  # waits for the device, so the clock is right
        seconds = time.perf_counter() - start
        validation_loss, accuracy = evaluate(
            network, data.validation_images, data.validation_labels, data, precision
        )
        report = EpochReport(
            epoch=epoch + 1,
            epochs=recipe.epochs,
            train_loss=train_loss,
            validation_loss=validation_loss,
            accuracy=accuracy,
            learning_rate=rate,
            images_per_second=(step + 1) * batch / seconds,
        )
        yield report
        if report.diverged:
            return


def _normalised(images: Tensor, data: DeviceData) -> Tensor:
    """uint8 (N, 3, H, W) to float32 of the training part's mean 0 and deviation 1."""
    shaped = (1, 3, 1, 1)
    pixels = images.contiguous(memory_format=torch.channels_last).float()
    return (pixels - data.mean.view(shaped)) / data.std.view(shaped)


def _autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16)

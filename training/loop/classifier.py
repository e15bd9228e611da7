"""Training on images that live on the device: the door of the search's short trainings."""

from torch import nn

from effsearch.training.devices.device import DeviceData
from effsearch.training.loop.reports import OnEpoch, TrainingResult
from effsearch.training.loop.trainer import Trainer
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.sources import ResidentSource


def train_classifier(
    network: nn.Module,
    data: DeviceData,
    recipe: Recipe,
    *,
    seed: int,
    on_epoch: OnEpoch | None = None,
) -> TrainingResult:
    """Train a network in place on ``data``'s device and validate it after every epoch.

    Order of images, augmentation, dropout and stochastic depth follow from ``seed``; on a CPU the
    same network, data, recipe and seed give the same weights to the last bit. Initial weights are
    the caller's (see `build_seeded`).

    Args:
        network: images (N, 3, H, W) to logits (N, classes); moved to the device.
        data: trained on and validated at the images' own size.
        on_epoch: called after each epoch; what it raises ends the training.
    """
    trainer = Trainer(
        network,
        ResidentSource(data),
        recipe,
        resolution=data.train_images.shape[-1],
        seed=seed,
    )
    return trainer.train(on_epoch=on_epoch)

"""Proxy training: a few epochs on real images, and the accuracy on held-out training images.

MnasNet trains each sample for 5 epochs of ImageNet and holds 50,000 training images out for the
reward (section 5); here data, epochs and resolution are the user's.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from nas.evaluators.base import Evaluator, Measurements, Request

if TYPE_CHECKING:
    from training.device import DeviceData
    from training.images import ImageDataset
    from training.recipe import ProxyRecipe


class ProxyEvaluator(Evaluator):
    """Trains each network from scratch by one recipe.

    Args:
        dataset: the training part, decoded at the recipe's resolution. It travels to the workers,
            so the data need not lie on their machines.
        recipe: how to train.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
    """

    batched: ClassVar[bool] = False

    def __init__(self, dataset: "ImageDataset", recipe: "ProxyRecipe", device: str) -> None:
        self._dataset = dataset
        self._recipe = recipe
        self._device = device
        self._data: DeviceData | None = None

    @property
    def recipe(self) -> "ProxyRecipe":
        """How each network is trained."""
        return self._recipe

    def with_recipe(self, recipe: "ProxyRecipe") -> "ProxyEvaluator":
        """The same data, trained otherwise."""
        return ProxyEvaluator(self._dataset, recipe, self._device)

    def prepare(self) -> None:
        """Carve the validation part and put all images on the device."""
        from training.device import choose_device, place_on_device

        recipe = self._recipe
        self._data = place_on_device(
            self._dataset,
            choose_device(self._device),
            validation=recipe.validation,
            split_seed=recipe.split_seed,
        )

    def evaluate(self, requests: Sequence[Request]) -> list[Measurements]:
        """Train one network; diverged trainings have the accuracy NaN."""
        from search_spaces.network import build_network
        from training.loop import build_seeded, train_classifier

        assert self._data is not None
        (request,) = requests
        classes = self._data.classes
        network = build_seeded(
            lambda: build_network(
                request.architecture,
                classes=classes,
                in_channels=3,
                norm_momentum=self._recipe.norm_momentum,
            ),
            request.seed,
        )
        result = train_classifier(network, self._data, self._recipe, seed=request.seed)
        if result.diverged:
            return [{"accuracy": math.nan}]
        return [
            {
                "accuracy": result.accuracy,
                "loss": result.loss,
                "curve": [report.accuracy for report in result.curve],
            }
        ]

"""What networks that are cut from a supernet are worth: recalibrated, then evaluated."""

import math
from collections.abc import Sequence

import torch

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError
from effsearch.search_spaces.network import Network
from effsearch.training.augment.augmenter import normalised
from effsearch.training.devices.device import DeviceData, choose_precision
from effsearch.training.loop.evaluation import Evaluation, evaluate_network, evaluation_batch
from effsearch.training.sources import EvaluationView, ResidentSource
from effsearch.training.supernet.calibration import check_enough, recalibrate
from effsearch.training.supernet.many import accuracies
from effsearch.training.supernet.recipe import SupernetRecipe
from effsearch.training.supernet.supernet import Supernet

_BATCH = 64


class SupernetMeter:
    """Cuts networks and evaluates them on the validation part.

    Args:
        supernet: trained; moved to the data's device.
        data: at the supernet's resolution.
        recipe: its recipe.

    Raises:
        InputError: too few training images to recalibrate normalization.
    """

    def __init__(self, supernet: Supernet, data: DeviceData, recipe: SupernetRecipe) -> None:
        self._supernet = supernet.to(data.device)
        self._source = ResidentSource(data)
        self._recipe = recipe
        images = len(data.train_labels)
        check_enough(images, "the data")
        order = torch.randperm(images, generator=torch.Generator().manual_seed(0))
        count = min(recipe.calibration_images, images)
        batch = min(_BATCH, count)
        chosen = order[: count // batch * batch].to(data.device)
        self._calibration = [
            normalised(data.train_images[some], data.mean, data.std)
            for some in torch.split(chosen, batch)
        ]
        self._resolution = data.train_images.shape[-1]

    def network(self, architecture: Architecture) -> Network:
        """The network with the supernet's weights, in evaluation mode.

        Raises:
            InputError: the space does not hold it.
            EffsearchError: it overflows.
        """
        cut = self._supernet.cut(self._supernet.aligned(architecture))
        return recalibrate(cut, self._calibration)

    def accuracies(self, networks: Sequence[Architecture]) -> list[float]:
        """Top-1 of many networks on the validation part, in their order; see `many`.

        Raises:
            InputError: the space does not hold one of them.
            EffsearchError: one overflows.
        """
        source = self._source
        # A processor's cache holds the maps of small batches; a card is kept busy by large ones.
        on_cpu = source.device.type == "cpu"
        view = EvaluationView(
            batch_size=_BATCH if on_cpu else evaluation_batch(self._resolution),
            resolution=self._resolution,
            crop_ratio=self._recipe.training.crop_ratio,
        )
        images, labels = zip(*source.evaluation_batches("validation", view), strict=True)
        shown = [normalised(some, source.mean, source.std) for some in images]
        aligned = [self._supernet.aligned(network) for network in networks]
        return accuracies(self._supernet, aligned, self._calibration, shown, labels)

    def evaluate(self, network: Network) -> Evaluation:
        """Evaluate a network of `network` on the validation part.

        Raises:
            EffsearchError: its loss is no finite number.
        """
        source = self._source
        view = EvaluationView(
            batch_size=evaluation_batch(self._resolution),
            resolution=self._resolution,
            crop_ratio=self._recipe.training.crop_ratio,
        )
        found = evaluate_network(
            network,
            source.evaluation_batches("validation", view),
            source.class_names,
            source.mean,
            source.std,
            precision=choose_precision(self._recipe.training.precision, source.device),
        )
        if not math.isfinite(found.loss):
            raise EffsearchError(
                f"network {network.architecture.id} has no finite loss with the supernet's "
                "weights: the supernet diverged, train it again with a smaller learning rate"
            )
        return found

"""Proxy training: a few epochs on real images, and the accuracy on held-out training images.

MnasNet trains each sample for 5 epochs of ImageNet and holds 50,000 training images out for the
reward (section 5); here data, epochs and resolution are the user's.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, ClassVar

from effsearch.search_spaces.errors import InputError
from effsearch.training.trials.evaluator import Evaluator, Measurements, Request
from effsearch.training.trials.options import ProxyOptions

if TYPE_CHECKING:
    from effsearch.training.data.images import ImageDataset
    from effsearch.training.devices.device import DeviceData
    from effsearch.training.loop.reports import EpochReport
    from effsearch.training.recipes.recipe import Recipe


class ProxyEvaluator(Evaluator):
    """Trains each network from scratch by one recipe.

    Args:
        dataset: the training part, decoded once; what is to be trained at another size is resized
            on the device. It travels to the workers, so the data need not lie on their machines.
        recipe: how to train.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
    """

    batched: ClassVar[bool] = False

    def __init__(self, dataset: "ImageDataset", recipe: "Recipe", device: str) -> None:
        self.dataset = dataset
        self.recipe = recipe
        self.device = device
        self._data: DeviceData | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should hear of the data, a line each."""
        return self.dataset.notices

    def with_recipe(self, recipe: "Recipe") -> "ProxyEvaluator":
        """The same data, trained otherwise."""
        return ProxyEvaluator(self.dataset, recipe, self.device)

    def prepare(self) -> None:
        """Carve the validation part and put all images on the device."""
        from effsearch.training.devices.device import choose_device, place_on_device

        recipe = self.recipe
        self._data = place_on_device(
            self.dataset,
            choose_device(self.device),
            validation=recipe.validation,
            split_seed=recipe.split_seed,
        )

    def evaluate(self, requests: Sequence[Request]) -> list[Measurements]:
        """Train one network; diverged trainings have the accuracy NaN."""
        import torch

        from effsearch.search_spaces.network import build_network
        from effsearch.training.devices.device import resized
        from effsearch.training.loop.classifier import train_classifier
        from effsearch.training.recipes.seeds import build_seeded

        assert self._data is not None
        (request,) = requests
        data = self._data
        resolution = request.resolution or self.recipe.resolution
        if resolution is not None:
            data = resized(data, resolution)
        network = build_seeded(
            lambda: build_network(
                request.architecture,
                classes=data.classes,
                in_channels=3,
                norm_momentum=self.recipe.norm_momentum,
                dropout=self.recipe.dropout,
                drop_path=self.recipe.drop_path,
            ),
            request.seed,
        )
        watch = _Watch(dict(request.stop_below))
        recipe = self.recipe
        if request.epochs is not None:
            recipe = replace(recipe, epochs=request.epochs)
        said = {} if request.epochs is None else {"epochs": request.epochs}
        try:
            train_classifier(network, data, recipe, seed=request.seed, on_epoch=watch)
        except _Stopped:
            return [watch.measurements() | {"stopped_after": len(watch.curve)}]
        finally:
            if data.device.type == "cuda":
                torch.cuda.empty_cache()  # other trials share the device and cannot use this one's
        return [watch.measurements() | said]


class _Stopped(Exception):
    """A training that successive halving gave up."""


class _Watch:
    """Follows a training epoch by epoch and ends it where it falls behind."""

    def __init__(self, stop_below: Mapping[int, float]) -> None:
        self.curve: list[EpochReport] = []
        self._stop_below = stop_below

    def __call__(self, report: "EpochReport") -> None:
        self.curve.append(report)
        if report.epoch < report.epochs and not report.diverged:
            threshold = self._stop_below.get(report.epoch)
            if threshold is not None and report.accuracy < threshold:
                raise _Stopped

    def measurements(self) -> Measurements:
        last = self.curve[-1]
        if last.diverged:
            return {"accuracy": math.nan}
        return {
            "accuracy": last.accuracy,
            "loss": last.train_loss,
            "curve": [report.accuracy for report in self.curve],
        }


def make_proxy(options: ProxyOptions, device: str) -> tuple[ProxyEvaluator, dict[str, object]]:
    """Proxy training at one size, and what a run's record says of it: data and recipe.

    Args:
        options: data, and how it is trained on.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.

    Raises:
        InputError: unknown options, or data that cannot be trained on.
    """
    from effsearch.training.data.dataset import load_train
    from effsearch.training.recipes.recipe import proxy_recipe

    recipe = proxy_recipe(options.data, options.recipe_options())
    dataset = load_train(
        options.data,
        resolution=recipe.resolution,
        max_images=options.max_images,
        columns=options.columns,
        skip_bad=options.skip_bad,
    )
    return _proxy(options, dataset, recipe, device)


def make_scaled_proxy(
    options: ProxyOptions, device: str, *, largest_factor: float
) -> tuple[ProxyEvaluator, dict[str, object]]:
    """Proxy training of networks whose resolution is scaled, at sizes named in the requests.

    The images are decoded once: at the recipe's resolution times `largest_factor`, or at their own
    size where that is smaller. Arguments and errors as `make_proxy`.
    """
    from effsearch.training.data.dataset import load_train, load_train_within
    from effsearch.training.recipes.recipe import scaling_recipe

    recipe = scaling_recipe(options.data, options.recipe_options())
    if recipe.resolution is None:
        own = load_train(
            options.data,
            resolution=None,
            max_images=options.max_images,
            columns=options.columns,
            skip_bad=options.skip_bad,
        )
        recipe = replace(recipe, resolution=own.resolution)
    assert recipe.resolution is not None
    dataset = load_train_within(
        options.data,
        largest=math.ceil(recipe.resolution * largest_factor),
        max_images=options.max_images,
        columns=options.columns,
        skip_bad=options.skip_bad,
    )
    return _proxy(options, dataset, recipe, device)


def _proxy(
    options: ProxyOptions, dataset: "ImageDataset", recipe: "Recipe", device: str
) -> tuple[ProxyEvaluator, dict[str, object]]:
    """The evaluator, and what a run's record says of it: data and recipe."""
    from effsearch.training.data.split import stratified_split
    from effsearch.training.recipes.recipe import batch_for

    if not recipe.validation:
        raise InputError("recipe option validation is 0: networks are compared by it, give a share")
    # Found here rather than in every worker: a class too small to be split.
    train, held_out = stratified_split(
        dataset.labels, recipe.validation, recipe.split_seed, dataset.class_names
    )
    if len(train) < 2:
        raise InputError(
            f"'{options.data}' leaves {len(train)} images to train on: give more images"
        )
    if "batch_size" not in options.recipe_options():  # the recipe's shrinks with few images
        recipe = replace(recipe, batch_size=batch_for(len(train), recipe.batch_size))
    return ProxyEvaluator(dataset, recipe, device), {
        "data": {
            "name": options.data,
            "fingerprint": dataset.fingerprint,
            "train_images": len(train),
            "validation_images": len(held_out),
            "classes": dataset.classes,
        },
        "recipe": asdict(recipe),
    }

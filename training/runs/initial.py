"""The network a training starts from: fitted to the images, its weights following from the seed."""

import math
from dataclasses import replace

import torch

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.network import Network, build_network
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.seeds import build_seeded

IMAGENET_CLASSES = 1000


def as_trained(
    found: Architecture, *, stem_stride: int | None, resolution: int, classes: int
) -> Architecture:
    """The network as it is trained on these images."""
    stem = found.stem
    if stem_stride is not None:
        stem = replace(stem, stride=stem_stride)
    return replace(
        found,
        stem=stem,
        resolution=resolution,
        classes=classes,
        in_channels=3,
    )


def build_initial(architecture: Architecture, recipe: Recipe, seed: int) -> Network:
    """The network with random weights that follow from the seed alone."""
    network = build_seeded(
        lambda: build_network(
            architecture,
            dropout=recipe.dropout,
            drop_path=recipe.drop_path,
            norm_momentum=recipe.norm_momentum,
        ),
        seed,
    )
    assert isinstance(network, Network)
    _calm_classifier(network)
    return network


def _calm_classifier(network: Network) -> None:
    """Bound the classifier's first weights as for 1,000 classes.

    EfficientNet's code draws them from U(±1/√classes). With ten classes its logits begin so large
    that a short training spends itself on taming them.
    """
    classes = network.classifier.out_features
    if classes < IMAGENET_CLASSES:
        with torch.no_grad():
            network.classifier.weight.mul_(math.sqrt(classes / IMAGENET_CLASSES))

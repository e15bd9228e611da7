"""A network cut from a supernet as an ordinary model file: to evaluate, export or train on."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from effsearch.search_spaces.network import Network
from effsearch.training.loop.evaluation import Evaluation
from effsearch.training.models.model_file import ModelInfo, save_model
from effsearch.training.supernet.storing import SupernetInfo


def extract(
    path: Path,
    network: Network,
    info: SupernetInfo,
    found: Evaluation,
    versions: Mapping[str, Any],
) -> ModelInfo:
    """Write a network of `SupernetMeter.network` as a model file.

    Args:
        path: of the file, replaced where it is there.
        info: of the supernet.
        found: the network's evaluation on the validation part.
        versions: of the program and its libraries.

    Raises:
        EffsearchError: the file cannot be written.
    """
    mean, std = ((one[0], one[1], one[2]) for one in (info.mean, info.std))
    model = ModelInfo(
        architecture=replace(
            network.architecture, classes=len(info.class_names), resolution=info.resolution
        ),
        class_names=info.class_names,
        resolution=info.resolution,
        crop_ratio=info.recipe.training.crop_ratio,
        mean=mean,
        std=std,
        data=info.data,
        recipe=asdict(info.recipe.training),
        metrics={"top1": found.top1, "loss": found.loss, "from": "supernet"},
        versions=versions,
    )
    save_model(path, network.state_dict(), model)
    return model

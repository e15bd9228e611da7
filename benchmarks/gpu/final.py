"""`final`: the searched baseline and EfficientNet-B0 trained to the end of a schedule, exported."""

import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.leg import Leg
from benchmarks.gpu.search import found_baseline
from benchmarks.gpu.setting import Setting
from benchmarks.gpu.trainings import (
    Training,
    capturing_pays,
    dataset_for,
    on_device,
    recipe_for,
    train,
)
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.devices.device import DeviceData
from effsearch.training.export.exporting import export_model
from effsearch.training.loop.classifier import train_classifier
from effsearch.training.models.model_file import ModelInfo, save_model
from effsearch.training.runs.initial import as_trained, build_initial

_FORMATS = ("onnx", "torchscript")


def run(leg: Leg) -> None:
    """One network a call where the schedule takes most of a leg's time."""
    searched, published = found_baseline(leg), load_zoo("efficientnet-b0")
    networks = {f"searched {searched.id}": searched, "efficientnet-b0": published}
    if all(name in leg.found for name in networks):
        return
    data = on_device(leg.setting, dataset_for(leg.setting))
    for name, network in networks.items():
        leg.once(
            name,
            lambda name=name, network=network: _finished(leg, name, network, data),
            seconds=1.1 * leg.setting.schedule_seconds,
        )
    leg.conclude(**{name: leg.found[name]["accuracy"] for name in networks})


def _finished(leg: Leg, name: str, network: Architecture, data: DeviceData) -> dict[str, Any]:
    setting = leg.setting
    network = as_trained(network, stem_stride=1, resolution=setting.pixels, classes=data.classes)
    captured = capturing_pays(leg)
    # The first warms up, the second says how long an epoch takes.
    _, one = (train(setting, data, Training(network, 0, 2, captured=captured)) for _ in range(2))
    epochs = max(1, int(setting.schedule_seconds * 2 / one["seconds"]))
    recipe = recipe_for(setting, epochs, captured=captured)
    built = build_initial(network, recipe, 0)
    started = time.perf_counter()
    result = train_classifier(built, data, recipe, seed=0)
    seconds = time.perf_counter() - started
    path = leg.folder / f"gpu_final_{name.partition(' ')[0]}.safetensors"
    names = tuple(str(label) for label in range(data.classes))
    info = ModelInfo(
        architecture=network,
        class_names=names,
        resolution=setting.pixels,
        crop_ratio=1.0,
        mean=tuple(data.mean.tolist()),
        std=tuple(data.std.tolist()),
        data={"name": setting.described()["data"]},
        recipe={"epochs": epochs},
        metrics={"top1": result.curve[-1].accuracy},
        versions={"torch": torch.__version__},
    )
    save_model(path, {key: value.cpu() for key, value in built.state_dict().items()}, info)
    return {
        "macs": cost(network).macs,
        "epochs": epochs,
        "seconds": round(seconds, 1),
        "accuracy": round(result.curve[-1].accuracy, 5),
        "curve": [round(report.accuracy, 5) for report in result.curve],
        "images_per_second": round(result.images_per_second),
        "largest_export_difference": {
            format: _export_difference(path, format, setting, data) for format in _FORMATS
        },
    }


def _export_difference(
    path: Path, format: str, setting: Setting, data: DeviceData
) -> float | str | None:
    """Of the exported network from the trained one; what went wrong, where something did."""
    try:
        return export_model(
            path,
            path.with_suffix(f".{format}"),
            format=format,
            images=data.validation_images[:16].cpu(),
            images_from=setting.described()["data"],
        ).largest_difference
    except Exception as error:  # the training, minutes long, is kept
        return f"{type(error).__name__}: {error}"[:500]

"""A supernet's file with the images it was trained on, ready to evaluate networks."""

from pathlib import Path

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.dataset import load_train
from effsearch.training.supernet.measuring import SupernetMeter
from effsearch.training.supernet.running import supernet_data
from effsearch.training.supernet.storing import SupernetInfo, load_supernet


def open_supernet(
    path: Path, *, data: str | None = None, device: str = "auto"
) -> tuple[SupernetMeter, SupernetInfo]:
    """Read a supernet and its images.

    Args:
        data: where the images lie now; None for where they lay.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.

    Raises:
        InputError: the file is no trained supernet, or the images are others than it was trained
            on: its held-out part would not be held out.
    """
    supernet, info = load_supernet(path)
    name = data or str(info.data["name"])
    images = info.data.get("max_images")
    dataset = load_train(name, resolution=info.recipe.training.resolution, max_images=images)
    if dataset.fingerprint != info.data.get("fingerprint"):
        raise InputError(
            f"'{name}' is not what the supernet '{path}' was trained on: name the folder of its "
            "images with --data"
        )
    meter = SupernetMeter(supernet, supernet_data(dataset, info.recipe, device), info.recipe)
    return meter, info

"""A training that was checked: network, images and recipe, and what its run says of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.network import Network
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.units import format_count, plural
from effsearch.search_spaces.zoo import zoo_name
from effsearch.training.devices.team import Team
from effsearch.training.models.model_file import ModelInfo
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.runs.config import TrainConfig
from effsearch.training.sources import ImageSource
from effsearch.training.sources.batch_plan import BatchPlan, plan_batches


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Everything a training needs, loaded.

    Attributes:
        config: what it was told.
        model: where the architecture comes from.
        found: the architecture as it was found.
        architecture: the same as it is trained: resolution, classes, stem stride.
        recipe: with everything filled in.
        network: with the weights it starts from.
        source: the images, on their device.
        notes: what a user should know, a line each.
    """

    config: TrainConfig
    model: str
    found: Architecture
    architecture: Architecture
    network: Network
    recipe: Recipe
    source: ImageSource
    notes: tuple[str, ...]

    @property
    def resolution(self) -> int:
        """Pixels at which the network is trained and validated."""
        return self.architecture.resolution

    @property
    def title(self) -> str:
        """The training in one line."""
        counted = cost(self.architecture)
        return (
            f"{self.model}, {format_count(counted.params)} parameters, "
            f"{format_count(counted.macs)} MACs at {self.resolution} px; "
            f"{self.images:,} images of {self.architecture.classes} classes, "
            f"{plural(self.recipe.epochs, 'epoch')} of {plural(self.batches.steps, 'step')} on "
            f"{self.source.device}"
        )

    @property
    def images(self) -> int:
        """Images that are trained on."""
        return len(self.source.labels["train"])

    @property
    def batches(self) -> BatchPlan:
        """How an epoch is cut into steps."""
        return plan_batches(self.images, self.recipe, Team(0, self.config.num_workers))

    @property
    def record(self) -> dict[str, Any]:
        """What `run.json` says of network, data and recipe."""
        return {
            "model": self.model,
            "architecture": self.architecture.to_dict(),
            "data": describe_data(self.config.data, self.source) | self.config.columns.to_dict(),
            "statistics": {"mean": self.source.mean.tolist(), "std": self.source.std.tolist()},
            "recipe": {"name": self.config.recipe, **asdict(self.recipe)},
            "device": str(self.source.device),
            "start": self.config.from_checkpoint,
        }

    def stored_config(self) -> dict[str, Any]:
        """The configuration as the run keeps it: what decides the weights filled in, so that it
        repeats the training wherever it is read."""
        name = zoo_name(self.config.model or "") if self.config.phi is None else None
        return self.config.to_dict() | {
            "model": name or format_architecture(self.found),
            "phi": None,
            "resolution": self.resolution,
            "epochs": self.recipe.epochs,
            "batch_size": self.recipe.batch_size,
            "set": {
                name: value for name, value in asdict(self.recipe).items() if name not in _NAMED
            },
        }

    def model_info(self, versions: Mapping[str, Any]) -> ModelInfo:
        """What model files of this training say, without metrics."""
        record = self.record
        red, green, blue = self.source.mean.tolist()
        deviations = self.source.std.tolist()
        return ModelInfo(
            architecture=self.architecture,
            class_names=self.source.class_names,
            resolution=self.resolution,
            crop_ratio=self.recipe.crop_ratio,
            mean=(red, green, blue),
            std=(deviations[0], deviations[1], deviations[2]),
            data=record["data"],
            recipe=record["recipe"],
            metrics={},
            versions=versions,
        )


_NAMED = frozenset({"epochs", "batch_size", "resolution"})
"""Options of a recipe that are options of the command too."""


def describe_data(name: str, source: ImageSource) -> dict[str, Any]:
    """The images in a few numbers; `fingerprint` is over labels, class names, mean and deviation.

    The pixels stand in it by their mean and deviation alone: not all of them may fit in memory. A
    resumed training takes over those it was begun with.
    """
    digest = hashlib.sha256(repr(source.class_names).encode())
    for part in ("train", "validation"):
        digest.update(source.labels[part].numpy().tobytes())
    for levels in (source.mean, source.std):
        digest.update(levels.cpu().numpy().tobytes())
    return {
        "name": name,
        "fingerprint": digest.hexdigest()[:16],
        "train_images": len(source.labels["train"]),
        "validation_images": len(source.labels["validation"]),
        "test_images": len(source.labels.get("test", ())),
        "classes": len(source.class_names),
        "own_side_px": source.own_side,
    }

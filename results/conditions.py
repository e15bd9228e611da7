"""The conditions of an accuracy: without them a number says nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What an accuracy was measured with.

    Attributes:
        data: name or path of the images.
        images: held out, that the accuracy is measured on.
        classes: of the images.
        resolution: pixels that the network was trained and measured at.
        epochs: of each training.
        seeds: trainings that the accuracy is the mean of.
    """

    data: str
    images: int
    classes: int
    resolution: int | None
    epochs: int
    seeds: int = 1

    @classmethod
    def of(
        cls, record: Mapping[str, Any], *, epochs: int | None = None, seeds: int = 1
    ) -> "Conditions | None":
        """From what `run.json` says of data and recipe; None where nothing was trained.

        Args:
            record: of a run, with `data` and `recipe`.
            epochs: where they are not the recipe's.
            seeds: trainings of a network.
        """
        data, recipe = record.get("data"), record.get("recipe")
        if not isinstance(data, Mapping) or not isinstance(recipe, Mapping):
            return None
        return cls(
            data=str(data["name"]),
            images=int(data["validation_images"]),
            classes=int(data["classes"]),
            resolution=recipe.get("resolution"),
            epochs=int(epochs or recipe["epochs"]),
            seeds=seeds,
        )

    @property
    def sentence(self) -> str:
        """In one line: `on 359 held-out images of digits (10 classes) at 16 px, …`."""
        size = f" at {self.resolution} px" if self.resolution else ""
        trained = f"{_plural(self.epochs, 'epoch')}, {_plural(self.seeds, 'seed')}"
        return (
            f"on {self.images:,} held-out images of {self.data} ({self.classes} classes){size}, "
            f"{trained}"
        )

    def to_dict(self) -> dict[str, Any]:
        """For an answer's JSON."""
        return asdict(self) | {"sentence": self.sentence}


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

"""The conditions of an accuracy: without them a number says nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from effsearch.search_spaces.units import format_count, plural

if TYPE_CHECKING:  # commands that show a stored accuracy need no network, and `--help` none at all
    from effsearch.search_spaces.architecture import Architecture


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
        macs: of the network at its own resolution; None where it is not known.
        own_resolution: of the network; None where it is not known.
        trained_macs: of the network at `resolution`; None where it is not known.
        scaled: networks were trained at `resolution` times what their own has grown by.
    """

    data: str
    images: int
    classes: int
    resolution: int | None
    epochs: int
    seeds: int = 1
    macs: int | None = None
    own_resolution: int | None = None
    trained_macs: int | None = None
    scaled: bool = False

    @classmethod
    def of(
        cls,
        record: Mapping[str, Any],
        *,
        epochs: int | None = None,
        seeds: int = 1,
        network: "Architecture | None" = None,
        resolution: int | None = None,
        scaled: bool = False,
    ) -> "Conditions | None":
        """From what `run.json` says of data and recipe; None where nothing was trained.

        Args:
            record: of a run, with `data` and `recipe`.
            epochs: where they are not the recipe's.
            seeds: trainings of a network.
            network: whose accuracy it is; None for no network in particular.
            resolution: pixels that it was trained at, where they are not the recipe's.
            scaled: whether each network was trained at a resolution of its own.
        """
        from effsearch.search_spaces.cost import cost

        data, recipe = record.get("data"), record.get("recipe")
        if not isinstance(data, Mapping) or not isinstance(recipe, Mapping):
            return None
        if not {"name", "validation_images", "classes"} <= data.keys() or "epochs" not in recipe:
            return None  # of a version that did not say
        pixels = resolution or recipe.get("resolution")
        return cls(
            data=str(data["name"]),
            images=int(data["validation_images"]),
            classes=int(data["classes"]),
            resolution=pixels,
            epochs=int(epochs or recipe["epochs"]),
            seeds=seeds,
            macs=cost(network).macs if network else None,
            own_resolution=network.resolution if network else None,
            trained_macs=cost(network, pixels).macs if network and pixels else None,
            scaled=scaled,
        )

    @property
    def sentence(self) -> str:
        """In one line: `on 359 held-out images of digits (10 classes) at 16 px, …`."""
        size = f" at {self.resolution} px" if self.resolution else ""
        size += " times each network's growth" if self.scaled and size else ""
        trained = f"{plural(self.epochs, 'epoch')}, {plural(self.seeds, 'seed')}"
        return (
            f"on {self.images:,} held-out images of {self.data} ({self.classes} classes){size}, "
            f"{trained}{self._macs}"
        )

    @property
    def _macs(self) -> str:
        """The multiply-adds where they are not those at the resolution that was trained at."""
        if not self.macs or not self.trained_macs or self.resolution == self.own_resolution:
            return ""
        return (
            f"; {format_count(self.trained_macs)} MACs at {self.resolution} px, "
            f"{format_count(self.macs)} at its own {self.own_resolution} px"
        )

    def to_dict(self) -> dict[str, Any]:
        """For an answer's JSON."""
        return asdict(self) | {"sentence": self.sentence}


_SCALED = ("coefficients", "comparison")
"""Kinds whose networks are each trained at a resolution of its own."""


def in_search(record: Mapping[str, Any]) -> str:
    """How a run measured the accuracies of its trials, in one line; empty where it does not say."""
    config = record.get("config")
    config = config if isinstance(config, Mapping) else {}
    scaled = record.get("kind") in _SCALED
    found = Conditions.of(record, seeds=(scaled and config.get("seeds")) or 1, scaled=scaled)
    if found is not None:
        return found.sentence
    evaluator = config.get("evaluator")
    return f"according to {evaluator}" if evaluator else ""


def of_answer(record: Mapping[str, Any], answer: Mapping[str, Any] | None) -> str:
    """The same of the accuracy that an answer states, which may be of longer trainings."""
    conditions = (answer or {}).get("conditions")
    return str(conditions["sentence"]) if conditions else in_search(record)

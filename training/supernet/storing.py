"""A supernet in one file: shared tensors, and in the header the space, the data and the recipe."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space import Gene, SearchSpace
from effsearch.training.loop.state import all_finite, fill, plain
from effsearch.training.models.checkpoint import read_checkpoint, save_checkpoint
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.supernet.recipe import SupernetRecipe
from effsearch.training.supernet.supernet import Supernet

if TYPE_CHECKING:
    from torch import Tensor

_SECTION = "supernet"


@dataclass(frozen=True, kw_only=True)
class SupernetInfo:
    """What a supernet's file says beside its tensors.

    Attributes:
        space: whose networks are cut.
        class_names: one an output of the classifier, in its order.
        resolution: pixels of its training.
        mean, std: of the three channels in grey levels 0..255.
        data: what it was trained on, at least its `name` and `fingerprint`.
        recipe: how.
        progress: how far; see `SupernetTrainer.progress`.
        finished: whether it is trained to its end.
    """

    space: SearchSpace
    class_names: tuple[str, ...]
    resolution: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    data: Mapping[str, Any]
    recipe: SupernetRecipe
    progress: Mapping[str, Any]
    finished: bool

    def to_header(self) -> dict[str, Any]:
        """JSON data for a checkpoint's header."""
        return {
            _SECTION: {
                "space": self.space.describe(),
                "digest": self.space.digest,
                "class_names": list(self.class_names),
                "resolution": self.resolution,
                "mean": list(self.mean),
                "std": list(self.std),
                "data": dict(self.data),
                "recipe": asdict(self.recipe),
                "progress": dict(self.progress),
                "finished": self.finished,
            }
        }


def save_supernet(path: Path, tensors: Mapping[str, "Tensor"], info: SupernetInfo) -> None:
    """Write a supernet's file, replacing what was there.

    Raises:
        EffsearchError: it cannot be written; the earlier file is as it was.
    """
    save_checkpoint(path, tensors, info.to_header())


def read_supernet(path: Path) -> tuple[dict[str, "Tensor"], SupernetInfo]:
    """The tensors of a supernet's file, its optimizer's among them, and what it says.

    Raises:
        InputError: no such file, cut off, damaged, or no supernet.
    """
    tensors, header = read_checkpoint(path)
    section = header.get(_SECTION)
    if not isinstance(section, Mapping):
        raise InputError(f"'{path}' holds no supernet: give a file of effsearch supernet train")
    try:
        recipe = dict(section["recipe"])
        recipe["training"] = Recipe(**recipe["training"])
        info = SupernetInfo(
            space=_space(section["space"]),
            class_names=tuple(section["class_names"]),
            resolution=int(section["resolution"]),
            mean=tuple(section["mean"]),
            std=tuple(section["std"]),
            data=section["data"],
            recipe=SupernetRecipe(**recipe),
            progress=section["progress"],
            finished=bool(section["finished"]),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise InputError(f"the header of '{path}' is damaged: {problem}") from None
    return tensors, info


def load_supernet(path: Path, space: SearchSpace | None = None) -> tuple[Supernet, SupernetInfo]:
    """A trained supernet on the CPU.

    Args:
        space: that it has to be of; None for its own.

    Raises:
        InputError: as `read_supernet`; it is of another space, not trained to its end, or diverged.
    """
    tensors, info = read_supernet(path)
    check_space(info, space, path)
    if not info.finished:
        raise InputError(
            f"the supernet '{path}' is not trained to its end: repeat the command it was begun with"
        )
    return restored_supernet(tensors, info, path), info


def restored_supernet(tensors: Mapping[str, "Tensor"], info: SupernetInfo, path: Path) -> Supernet:
    """The supernet of tensors that were read.

    Raises:
        InputError: they do not fit the space, or hold NaN or infinite values.
    """
    supernet = Supernet(
        info.space, len(info.class_names), kernel_transform=info.recipe.kernel_transform
    )
    fill(supernet.state_dict(), plain(tensors))
    if not all_finite(supernet.state_dict().values()):
        raise InputError(
            f"the supernet '{path}' diverged: it holds NaN or infinite values; train it again with "
            "a smaller learning rate"
        )
    return supernet


def check_space(info: SupernetInfo, space: SearchSpace | None, path: Path) -> None:
    """Raise an InputError where a supernet is of another space than the one wanted."""
    if space is not None and space.digest != info.space.digest:
        raise InputError(
            f"the supernet '{path}' is of space '{info.space.name}' ({info.space.digest}), and the "
            f"one wanted is '{space.name}' ({space.digest}): train one of that space"
        )


def _space(document: Mapping[str, Any]) -> SearchSpace:
    """The space that `SearchSpace.describe` described."""
    genes = []
    for gene in document["genes"]:
        section, _, name = gene["path"].rpartition(".")
        genes.append(Gene(section or "network", name, tuple(gene["options"])))
    return SearchSpace(document["name"], document["fixed"], tuple(genes), document["stages"])

"""A few real pictures, cut to a model's input as evaluation cuts them: to look at or check with."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.named_columns import ANY_COLUMNS, Columns

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One picture, in RGB at its own size.

    Attributes:
        where: a file, or a file and a row.
        class_name: None where it is not known.
    """

    where: str
    picture: "Image.Image"
    class_name: str | None = None


def sample_data(
    data: str, count: int, seed: int = 0, columns: Columns = ANY_COLUMNS
) -> list[Sample]:
    """Pictures of a dataset's test part, or of its training part where it has none.

    Each class comes once before one comes twice.

    Args:
        data: as in `effsearch.training.data.dataset`.
        count: pictures, 1 or more; fewer where the part has fewer.
        seed: of the choice.
        columns: of a table, where the user names them.

    Raises:
        InputError: there is no such data, or a picture cannot be read.
    """
    from effsearch.training.data.dataset import find_held_out, list_training
    from effsearch.training.data.decode import whole_picture

    training = list_training(data, columns)
    listing = (*find_held_out(data, columns).parts, training)[0]
    labels = listing.labels.tolist()
    chosen = _one_of_each(labels, count, seed)
    return [
        Sample(
            where=where,
            picture=whole_picture(where, picture, training.levels),
            class_name=listing.class_names[labels[index]],
        )
        for index, (where, picture) in zip(chosen, listing.pictures(chosen), strict=True)
    ]


def sample_files(paths: Sequence[Path]) -> list[Sample]:
    """Pictures of files, and of the files that lie in folders.

    Raises:
        InputError: a path that is not there, a folder without pictures, a file that is none.
    """
    from effsearch.training.data.decode import whole_picture
    from effsearch.training.data.entries import pictures_in

    files: list[Path] = []
    for path in paths:
        if os.path.isdir(path):  # where `Path.is_dir` raises an OSError on a very long text
            found = pictures_in(path)
            if not found:
                raise InputError(f"folder '{path}' holds no pictures")
            files += found
        elif os.path.isfile(path):
            files.append(path)
        elif os.path.exists(path):
            raise InputError(f"picture '{path}' is not a regular file")
        else:
            raise InputError(f"picture '{path}' does not exist")
    return [Sample(where=file.name, picture=whole_picture(str(file), file)) for file in files]


def model_input(samples: Sequence[Sample], resolution: int, crop_ratio: float) -> "Tensor":
    """Pictures as a model of this resolution sees them: uint8 (N, 3, R, R)."""
    import numpy as np
    import torch

    from effsearch.training.data.decode import centre_box, cut_square, open_picture
    from effsearch.training.sources.base import evaluation_share

    squares = []
    for sample in samples:
        size = sample.picture.size
        box = centre_box(size, evaluation_share(min(size), resolution, crop_ratio))
        opened = open_picture(sample.where, sample.picture)
        squares.append(cut_square(sample.where, opened, box, resolution))
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)


def _one_of_each(labels: Sequence[int], count: int, seed: int) -> list[int]:
    """Indices in ascending order; those of a class are taken in a random order."""
    import torch

    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed)).tolist()
    turns: dict[int, int] = {}
    ranked = []
    for index in order:
        turn = turns[labels[index]] = turns.get(labels[index], -1) + 1
        ranked.append((turn, index))
    ranked.sort(key=lambda pair: pair[0])  # stable: within a turn the random order stays
    return sorted(index for _, index in ranked[:count])

"""scikit-learn's handwritten digits: 1,797 grey images of 8×8, ten classes, nothing to download.

scikit-learn ships no test part; a fixed stratified fifth is one here, and no search sees it.
"""

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from effsearch.training.data.images import HeldOut, ImageListing, Picture
from effsearch.training.data.split import stratified_split

TEST_FRACTION = 0.2
# Part of the dataset's definition: another seed would move test images into training.
TEST_SEED = 1998


@dataclass(frozen=True, eq=False)
class DigitPictures:
    """Pictures of grey levels uint8 (N, 8, 8)."""

    grey: npt.NDArray[np.uint8]

    def __call__(self, indices: Sequence[int]) -> Iterator[tuple[str, Picture]]:
        """The pictures with these indices."""
        return ((f"digits[{i}]", Image.fromarray(self.grey[i])) for i in indices)


def list_training_digits() -> ImageListing:
    """The 1,438 images a search and a training may use."""
    return _list_digits(0)


def list_held_out_digits() -> HeldOut:
    """The 359 images held back for the last evaluation: a test part alone."""
    return HeldOut(parts=(_list_digits(1),))


def _list_digits(part: int) -> ImageListing:
    rows = _read_rows()
    all_labels = torch.from_numpy(rows[:, -1].astype(np.int64))
    index: Tensor = stratified_split(all_labels, TEST_FRACTION, TEST_SEED)[part]
    # Grey levels are 0..16.
    grey = np.rint(rows[index.numpy(), :-1] * (255 / 16)).astype(np.uint8)

    return ImageListing(
        name="digits",
        labels=all_labels[index],
        class_names=tuple("0123456789"),
        pictures=DigitPictures(grey.reshape(-1, 8, 8)),
    )


def _read_rows() -> npt.NDArray[np.uint8]:
    """64 grey levels and the label of each image, (1797, 65), from the file that `load_digits`
    reads: all of scikit-learn would be imported for it, in each process that trains.
    """
    spec = importlib.util.find_spec("sklearn")
    assert spec is not None  # the project depends on it
    assert spec.origin is not None
    file = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
    return np.loadtxt(file, delimiter=",", dtype=np.uint8)

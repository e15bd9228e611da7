"""Draws a small set of images to try things on: discs, squares and stripes, one folder a class.

python examples/make_images.py photos
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 24


def draw(kind: str, rng: np.random.Generator) -> Image.Image:
    """A noisy picture of one kind, in a random place, size and colour."""
    row, column = np.mgrid[:SIDE, :SIDE]
    top, left = rng.integers(6, SIDE - 6, 2)
    size = rng.integers(4, 9)
    if kind == "disc":
        inside = (row - top) ** 2 + (column - left) ** 2 < size**2
    elif kind == "square":
        inside = (abs(row - top) < size) & (abs(column - left) < size)
    else:
        inside = (row + column + top) % size < size // 2
    colours = rng.integers(0, 256, (2, 3))
    picture = np.where(inside[..., None], colours[0], colours[1])
    return Image.fromarray(np.clip(picture + rng.normal(0, 20, picture.shape), 0, 255).astype("u1"))


def main(folder: Path, train: int = 60, test: int = 20) -> None:
    """Write the images below `folder`, some for training and some for the test."""
    rng = np.random.default_rng(0)
    for part, count in (("train", train), ("test", test)):
        for kind in ("disc", "square", "stripes"):
            place = folder / part / kind
            place.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                draw(kind, rng).save(place / f"{number:03}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))

"""Datasets by name or path, training part and held-out parts by separate calls.

A search calls ``load_train`` alone, so the held-out parts are not even opened while it runs.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from effsearch.results.config import given_object
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.training.data.decode import largest_readable_side, readable_images
from effsearch.training.data.depth import common_levels, is_deep
from effsearch.training.data.images import HeldOut, ImageDataset, ImageListing
from effsearch.training.data.named_columns import ANY_COLUMNS, Columns
from effsearch.training.data.parquet_layout import find_parquet
from effsearch.training.data.progress import progress_line
from effsearch.training.data.skipping import decode_listing, skipped_notice
from effsearch.training.data.split import stratified_sample

__all__ = [
    "EMBEDDED",
    "ImageDataset",
    "find_held_out",
    "list_training",
    "load_train",
    "load_train_within",
]

EMBEDDED = ("digits",)
# The sample is part of what a run's fingerprint names: it does not move with the run's seed.
SAMPLE_SEED = 0
# Pictures that tell the size and the levels of a dataset's.
_LOOKED_AT = 64
# So many of them in a row: what lies together is read together.
_RUN = 8


class _Reader(NamedTuple):
    """How the parts of a dataset are listed."""

    training: Callable[[], ImageListing]
    held_out: Callable[[], HeldOut]


def load_train(
    name_or_path: str,
    *,
    resolution: int | None,
    max_images: int | None = None,
    columns: Columns = ANY_COLUMNS,
    skip_bad: bool = False,
) -> ImageDataset:
    """Load the training part of a dataset into memory.

    Args:
        name_or_path: ``digits``, a directory of images by class, a directory of train*.parquet,
            ``hf:NAME[:CONFIG]``, or the text that stands for an object given from Python.
        resolution: side in pixels that images are resized and centre-cropped to; None keeps
            their own size.
        max_images: decode only a stratified sample of so many images, always the same one.
        columns: of a table, where the user names them.
        skip_bad: leave images out that cannot be read, and say so in the notices.

    Raises:
        InputError: unknown name, missing or empty directory, no train part, no labels, one class
            only, an unreadable image (named), or amounts out of range.

    Example:
        >>> digits = load_train("digits", resolution=None)
        >>> tuple(digits.images.shape), digits.classes
        ((1438, 3, 8, 8), 10)
    """
    _check_amounts(resolution, max_images)
    return _decode(list_training(name_or_path, columns), resolution, max_images, skip_bad)


def load_train_within(
    name_or_path: str,
    *,
    largest: int,
    max_images: int | None = None,
    columns: Columns = ANY_COLUMNS,
    skip_bad: bool = False,
) -> ImageDataset:
    """As `load_train`, at `largest` pixels or at the images' own size where that is smaller.

    For trainings at several sizes: decoded once, every size is made of these images, and nothing
    that the files hold is lost or invented.

    Raises:
        InputError: as `load_train`.
    """
    _check_amounts(largest, max_images)
    listing = list_training(name_or_path, columns)
    index = torch.linspace(0, len(listing.labels) - 1, min(_LOOKED_AT, len(listing.labels)))
    own = largest_readable_side(listing.pictures(sorted(set(index.long().tolist()))))
    return _decode(listing, min(largest, own), max_images, skip_bad)


def list_training(name_or_path: str, columns: Columns = ANY_COLUMNS) -> ImageListing:
    """The training part, not yet decoded.

    Raises:
        InputError: as `load_train`.
    """
    listing = _reader(name_or_path, columns).training()
    if int((torch.bincount(listing.labels) > 0).sum()) < 2:
        raise InputError(f"the training part of '{name_or_path}' has images of one class only")
    return _with_levels(listing)


def find_held_out(name_or_path: str, columns: Columns = ANY_COLUMNS) -> HeldOut:
    """The test and the validation part, in this order, labelled by the training part's classes.

    There may be none: a part without labels is none. One alone is the test part, as in ImageNet,
    whose published accuracies are those of its validation part.

    Raises:
        InputError: one holds a class that the training part has not, or cannot be read.
    """
    return _reader(name_or_path, columns).held_out()


def is_hub_name(name_or_path: str) -> bool:
    """Whether data is named in the way of Hugging Face datasets, ``hf:NAME[:CONFIG]``."""
    return name_or_path.startswith("hf:")


def _reader(name_or_path: str, columns: Columns) -> _Reader:
    given = given_object("data", name_or_path)
    if given is not None and not _is_of_hub(given):
        from effsearch.training.data.objects import list_held_out_object, list_training_object

        _refuse_columns(name_or_path, columns)
        return _Reader(
            partial(list_training_object, name_or_path, given),
            partial(list_held_out_object, name_or_path, given),
        )
    if name_or_path == "digits":
        from effsearch.training.data.digits import list_held_out_digits, list_training_digits

        _refuse_columns(name_or_path, columns)
        return _Reader(list_training_digits, list_held_out_digits)
    if given is not None or is_hub_name(name_or_path):
        from effsearch.training.data.hugging_face import list_held_out_hub, list_training_hub

        return _Reader(
            partial(list_training_hub, name_or_path, columns),
            partial(list_held_out_hub, name_or_path, columns),
        )
    root = _directory(name_or_path)
    layout = find_parquet(root)
    if layout is not None:
        # pyarrow takes a while to import, and only parquet needs it.
        from effsearch.training.data.parquet import list_held_out_parquet, list_training_parquet

        return _Reader(
            partial(list_training_parquet, root.name, layout, columns),
            partial(list_held_out_parquet, root.name, layout, columns),
        )
    from effsearch.training.data.image_folder import list_held_out_folder, list_training_folder

    _refuse_columns(name_or_path, columns)
    return _Reader(partial(list_training_folder, root), partial(list_held_out_folder, root))


def _is_of_hub(given: object) -> bool:
    """Whether an object is a Hugging Face dataset, or parts of one."""
    first = next(iter(given.values()), None) if isinstance(given, dict) else given
    return hasattr(first, "select_columns") and hasattr(first, "features")


def _refuse_columns(name_or_path: str, columns: Columns) -> None:
    if columns != ANY_COLUMNS:
        raise InputError(
            f"'{name_or_path}' is not a table: --image-column and "
            "--label-column go with parquet and hf: data"
        )


def _directory(name_or_path: str) -> Path:
    path = Path(name_or_path).expanduser()
    if os.path.isdir(path):  # where `Path.is_dir` raises an OSError on a very long text
        return path.resolve()
    if os.path.exists(path):
        raise InputError(f"data '{name_or_path}' is a file: give the directory that holds it")
    if path.name != name_or_path:
        raise InputError(f"data directory '{name_or_path}' does not exist")
    raise InputError(
        f"{unknown_name('dataset', name_or_path, EMBEDDED)}, a directory of images, or hf:NAME"
    )


def _check_amounts(resolution: int | None, max_images: int | None) -> None:
    if resolution is not None and resolution < 1:
        raise InputError(f"resolution {resolution} is not a positive number of pixels")
    if max_images is not None and max_images < 1:
        raise InputError(f"a sample of {max_images} images is not a positive number")


def _with_levels(listing: ImageListing) -> ImageListing:
    """The listing with the levels of its pictures, if they are deep."""
    first = listing.spread(1, _RUN) if listing.ascending else listing.spread(_RUN, 1)
    if not any(map(is_deep, readable_images(listing.pictures(first)))):
        return listing
    looked_at = listing.spread(_LOOKED_AT // _RUN, _RUN)
    levels = common_levels(readable_images(listing.pictures(looked_at)))
    line = f"pictures of more than 8 bits: {levels} is shown as black to white"
    return replace(listing, levels=levels, notices=(*listing.notices, line))


def _decode(
    listing: ImageListing, resolution: int | None, max_images: int | None, skip_bad: bool
) -> ImageDataset:
    index = stratified_sample(
        listing.labels,
        len(listing.labels) if max_images is None else max_images,
        SAMPLE_SEED,
        listing.class_names,
    ).tolist()
    images, bad = decode_listing(
        listing, index, resolution, skip_bad=skip_bad, on_progress=progress_line("images decoded")
    )
    if not len(images):
        raise InputError(f"no image of '{listing.name}' can be read; the first: {bad[0]}")
    return replace(images, notices=(*images.notices, *skipped_notice(bad)))

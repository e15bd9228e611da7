"""Decoding all pictures of a listing, those that cannot be read left out or told of."""

from collections.abc import Callable, Sequence

import torch

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.units import plural
from effsearch.training.data.decode import decode_pictures
from effsearch.training.data.images import ImageDataset, ImageListing


def decode_listing(
    listing: ImageListing,
    index: Sequence[int],
    resolution: int | None,
    *,
    skip_bad: bool,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[ImageDataset, list[str]]:
    """The images of a listing at some places, in memory, and what was wrong with those left out.

    Args:
        index: ascending places.
        resolution: as of `decode_pictures`.
        skip_bad: leave out what cannot be read; else the first such image is an error.
        on_progress: as of `decode_pictures`.

    Raises:
        InputError: an image that cannot be read, or sizes that differ and no resolution.
    """
    bad: dict[int, str] = {}

    def note(place: int, error: InputError) -> None:
        if not skip_bad:
            raise unreadable_image(error)
        bad[place] = str(error)

    pixels = decode_pictures(
        listing.pictures(index),
        len(index),
        resolution,
        on_bad=note,
        levels=listing.levels,
        on_progress=on_progress,
    )
    everything = ImageDataset(
        name=listing.name,
        images=pixels,
        labels=listing.labels[torch.as_tensor(index, dtype=torch.int64)],
        class_names=listing.class_names,
        notices=listing.notices,
    )
    if not bad:
        return everything, []
    kept = torch.tensor([i for i in range(len(index)) if i not in bad], dtype=torch.int64)
    return everything.subset(kept), [bad[place] for place in sorted(bad)]


def unreadable_image(error: object) -> InputError:
    """The error for an image that cannot be read, where none is left out."""
    return InputError(f"{error}, or leave such images out with --skip-bad")


def skipped_notice(errors: Sequence[str]) -> tuple[str, ...]:
    """One line on images that were left out, the first of them named; none where there are none."""
    if not errors:
        return ()
    return (f"{plural(len(errors), 'unreadable image')} left out; the first: {errors[0]}",)

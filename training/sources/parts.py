"""The parts of a dataset as a training uses them: trained on, validated on, tested on."""

from dataclasses import dataclass, replace

import torch

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.dataset import SAMPLE_SEED, find_held_out, list_training
from effsearch.training.data.decode import largest_readable_side
from effsearch.training.data.images import ImageListing
from effsearch.training.data.named_columns import ANY_COLUMNS, Columns
from effsearch.training.data.split import stratified_sample, stratified_split

# Pictures whose sizes tell the dataset's, in runs: what lies together is read together.
_RUNS, _RUN = 8, 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """Listings of a dataset's parts, labelled by the training part's classes.

    Attributes:
        validation: may be empty.
        test: None where there is none.
        own_side: the largest shorter side of the training images looked at, in pixels.
        notices: what the user should hear of the parts.
    """

    train: ImageListing
    validation: ImageListing
    test: ImageListing | None
    own_side: int
    notices: tuple[str, ...]


def find_parts(
    name_or_path: str,
    *,
    validation: float,
    split_seed: int,
    max_images: int | None = None,
    columns: Columns = ANY_COLUMNS,
) -> Parts:
    """List all parts; a validation part is carved from the training part where there is none.

    Args:
        validation: share of the training part that is carved, in [0, 1); the dataset's own
            validation part is used whatever it says.
        max_images: stratified sample of the training part; the other parts stay whole.
        columns: of a table, where the user names them.

    Raises:
        InputError: as `training.data.dataset.load_train`; a held-back part with a class that the
            training part has not.
    """
    whole = list_training(name_or_path, columns)
    held_back = find_held_out(name_or_path, columns)
    test, own = (*held_back.parts, None, None)[:2]
    size = len(whole.labels) if max_images is None else max_images
    if size < 1:
        raise InputError(f"a sample of {size} images is not a positive number")
    sample = stratified_sample(whole.labels, size, SAMPLE_SEED, whole.class_names)
    share = validation if own is None else 0.0
    train, carved = stratified_split(whole.labels[sample], share, split_seed, whole.class_names)
    held_out = whole.subset(sample[carved]) if own is None else own
    listing = whole.subset(sample[train])
    return Parts(
        train=listing,
        validation=replace(held_out, levels=whole.levels),
        test=None if test is None else replace(test, levels=whole.levels),
        own_side=_own_side(listing),
        notices=(*whole.notices, *held_back.notices, *_of_parts(own, test)),
    )


def _own_side(listing: ImageListing) -> int:
    index = listing.spread(_RUNS, _RUN)
    return largest_readable_side(listing.pictures(index))


def _of_parts(own: ImageListing | None, test: ImageListing | None) -> list[str]:
    """What the held-back parts lack, and what was left out of them."""
    named = [(p, found) for p, found in (("validation", own), ("test", test)) if found is not None]
    lines = [line for _, found in named for line in found.notices]
    return lines + [line for part, found in named if (line := _missing(part, found))]


def _missing(part: str, listing: ImageListing) -> str:
    """A line on the classes a part has no image of; empty where it has all."""
    counts = torch.bincount(listing.labels, minlength=len(listing.class_names))
    missing = [listing.class_names[i] for i in (counts == 0).nonzero().flatten().tolist()]
    if not missing:
        return ""
    named = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
    return (
        f"the {part} part has no images of {len(missing)} of {len(listing.class_names)} "
        f"classes: {named}"
    )

"""Images in a folder a class, in the parts that `folder_layout` finds.

Listing looks at names only; no file is opened before it is decoded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.entries import LeftOut, holds_pictures, picture_files, subfolders
from effsearch.training.data.folder_layout import FolderLayout, find_layout
from effsearch.training.data.images import HeldOut, ImageListing, Picture
from effsearch.training.data.part_names import part_of

# A held-back part without labels may lie in one folder that is no class.
_NO_CLASS = frozenset(
    {"all", "data", "image", "images", "img", "imgs", "pictures", "unknown", "unlabeled"}
    | {"unlabelled"}
)


@dataclass(frozen=True, eq=False)
class FilePictures:
    """Pictures that lie in a file each."""

    files: list[Path]

    def __call__(self, indices: Sequence[int]) -> Iterator[tuple[str, Picture]]:
        """The pictures with these indices."""
        return ((str(self.files[i]), self.files[i]) for i in indices)


def list_training_folder(root: Path) -> ImageListing:
    """The training part: DIR/train, or DIR itself where its folders are the classes.

    Raises:
        InputError: no class folders, a class without images, or as `find_layout`.
    """
    layout = find_layout(root)
    left_out = LeftOut()
    classes = _class_folders(layout.train)
    files = [picture_files(layout.train / name, left_out) for name in classes]
    for name, found in zip(classes, files, strict=True):
        if not found:
            raise InputError(
                f"class folder {layout.train / name} holds no images: fill or remove it"
            )
    return _listing(root.name, classes, files, layout.notices + left_out.lines(str(layout.train)))


def list_held_out_folder(root: Path) -> HeldOut:
    """The test part, DIR/test, and the validation part, DIR/val; one alone is the test part.

    Labelled by the training part's classes. A part without labels or images is none.

    Raises:
        InputError: one holds a class that the training part has not.
    """
    layout = find_layout(root)
    listings, notices = [], []
    for part in ("test", "validation"):
        folder = layout.held_out.get(part)
        if folder is None:
            continue
        listing, why_not = _list_held_out(root.name, layout, folder)
        if listing is not None:
            listings.append(listing)
        else:
            notices.append(f"the {part} part, {folder}, {why_not}: continuing without it")
    return HeldOut(parts=tuple(listings), notices=tuple(notices))


def _list_held_out(
    name: str, layout: FolderLayout, folder: Path
) -> tuple[ImageListing | None, str]:
    """The part, or what it lacks to be one."""
    own = subfolders(folder)
    if not own:
        flat = "has no class folders, so no labels" if holds_pictures(folder) else "is empty"
        return None, flat
    classes = _class_folders(layout.train)
    strangers = sorted(set(own) - set(classes))
    if strangers == own and len(own) == 1 and _is_no_class(own[0]):
        return None, f"has its images in '{own[0]}', which is not a class, so there are no labels"
    if strangers:
        raise InputError(
            f"class '{strangers[0]}' of {folder} is not in {layout.train}: remove it there, "
            "or add images of it to the training part"
        )
    left_out = LeftOut()
    files = [picture_files(folder / one, left_out) if one in own else [] for one in classes]
    if not any(files):
        return None, "has no images"
    return _listing(name, classes, files, left_out.lines(str(folder))), ""


def _is_no_class(name: str) -> bool:
    return name.casefold() in _NO_CLASS or part_of(name) is not None


def _class_folders(folder: Path) -> tuple[str, ...]:
    names = tuple(subfolders(folder))
    if names:
        return names
    if holds_pictures(folder):
        raise InputError(
            f"the images in {folder} have no labels: put them in one folder per class, "
            f"{folder}/CLASS/"
        )
    raise InputError(
        f"no images in {folder}: it needs one folder per class, or train*.parquet files"
    )


def _listing(
    name: str, classes: tuple[str, ...], files: list[list[Path]], notices: tuple[str, ...]
) -> ImageListing:
    counts = torch.tensor([len(found) for found in files])
    return ImageListing(
        name=name,
        labels=torch.arange(len(classes)).repeat_interleave(counts),
        class_names=classes,
        pictures=FilePictures([file for found in files for file in found]),
        notices=notices,
    )

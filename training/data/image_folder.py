"""Images in a folder a class: DIR/train/CLASS/* with DIR/test and DIR/val, or DIR/CLASS/* alone.

Listing looks at names only; no file is opened before it is decoded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.images import ImageListing, Picture

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
)
VALIDATION_FOLDERS = ("val", "validation", "valid")
TEST_FOLDERS = ("test", *VALIDATION_FOLDERS)


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
        InputError: no class folders, a class without images, or a test part without a train part.
    """
    folder = _training_folder(root)
    return _list_folder(root.name, folder, _class_folders(folder))


def list_held_out_folder(root: Path) -> list[ImageListing]:
    """The test part, DIR/test, and the validation part, DIR/val; one alone is the test part.

    Labelled by the training part's classes.

    Raises:
        InputError: one holds a class that the training part has not.
    """
    if not (root / "train").is_dir():
        return []
    folders = [root / name for name in VALIDATION_FOLDERS if (root / name).is_dir()][:1]
    if (root / "test").is_dir():
        folders.insert(0, root / "test")
    return [_list_part(root, folder) for folder in folders]


def _list_part(root: Path, folder: Path) -> ImageListing:
    class_names = _class_folders(_training_folder(root))
    strangers = sorted(set(_class_folders(folder)) - set(class_names))
    if strangers:
        raise InputError(
            f"class '{strangers[0]}' of {folder} is not in {root / 'train'}: remove it there, "
            "or add images of it to the training part"
        )
    return _list_folder(root.name, folder, class_names)


def _training_folder(root: Path) -> Path:
    if (root / "train").is_dir():
        return root / "train"
    for candidate in TEST_FOLDERS:
        if (root / candidate).is_dir() and not _image_files(root / candidate, recursive=False):
            raise InputError(
                f"{root} has '{candidate}' and no train part: add {root / 'train'}/CLASS/ folders"
            )
    return root


def _class_folders(folder: Path) -> tuple[str, ...]:
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if names:
        return tuple(names)
    if _image_files(folder, recursive=False):
        raise InputError(
            f"the images in {folder} have no labels: put them in one folder a class, "
            f"{folder}/CLASS/"
        )
    raise InputError(f"no images in {folder}: it needs one folder a class, or train*.parquet files")


def _list_folder(name: str, folder: Path, class_names: tuple[str, ...]) -> ImageListing:
    files: list[Path] = []
    labels: list[int] = []
    for label, class_name in enumerate(class_names):
        class_folder = folder / class_name
        if not class_folder.is_dir():
            continue
        found = _image_files(class_folder, recursive=True)
        if not found:
            raise InputError(f"class folder {class_folder} holds no images: fill or remove it")
        files.extend(found)
        labels.extend([label] * len(found))

    return ImageListing(
        name=name,
        labels=torch.tensor(labels, dtype=torch.int64),
        class_names=class_names,
        pictures=FilePictures(files),
    )


def _image_files(folder: Path, *, recursive: bool) -> list[Path]:
    entries = folder.rglob("*") if recursive else folder.iterdir()
    return sorted(
        p
        for p in entries
        if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".") and p.is_file()
    )

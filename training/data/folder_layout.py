"""Which folders of a dataset are its parts, and which are classes.

DIR/train/CLASS/* with DIR/test and DIR/val, whatever their case; or DIR/CLASS/* alone. A folder
that holds nothing but another, as an unpacked archive leaves it, is looked through.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.entries import holds_pictures, subfolders
from effsearch.training.data.part_names import part_in, part_of

# Folders inside folders that are looked through.
_DEEPEST = 4


@dataclass(frozen=True, kw_only=True)
class FolderLayout:
    """Where the parts lie.

    Attributes:
        train: its folders are the classes.
        held_out: folder of `test` and of `validation`, those that there are.
        notices: what the user should hear of it, a line each.
    """

    train: Path
    held_out: dict[str, Path]
    notices: tuple[str, ...]


def find_layout(root: Path) -> FolderLayout:
    """Find the parts of a dataset.

    Raises:
        InputError: no train part beside a test part, two folders of one part, or folders of which
            it cannot be told that they are classes; a folder that cannot be read.
    """
    folder = unwrapped(root)
    notices = [] if folder == root else [f"{root} holds {folder.relative_to(root)} alone: read it"]
    names = subfolders(folder)
    parts = _named_parts(folder, names)
    if "train" not in parts:
        if parts:
            _refuse_without_train(folder, list(parts.values()))
        _refuse_strange_classes(folder, names)
        return FolderLayout(train=folder, held_out={}, notices=tuple(notices))
    others = [name for name in names if name not in parts.values()]
    if others:
        if _is_class(folder / parts["train"]):
            return FolderLayout(train=folder, held_out={}, notices=tuple(notices))
        notices.append(f"beside the parts of {folder} not read: {_listed(others)}")
    train = unwrapped(folder / parts.pop("train"))
    _refuse_strange_classes(train, subfolders(train))
    return FolderLayout(
        train=train,
        held_out={part: unwrapped(folder / name) for part, name in parts.items()},
        notices=tuple(notices),
    )


def unwrapped(folder: Path) -> Path:
    """The folder, or the one that it holds alone and that holds the folders of pictures."""
    for _ in range(_DEEPEST):
        names = subfolders(folder)
        if len(names) != 1 or part_of(names[0]) or holds_pictures(folder):
            return folder
        inner = folder / names[0]
        if not subfolders(inner) or holds_pictures(inner):
            return folder
        folder = inner
    return folder


def _named_parts(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Name of the folder of each part."""
    found: dict[str, str] = {}
    for name in names:
        part = part_of(name)
        if part is None:
            continue
        if part in found:
            raise InputError(
                f"{folder} holds '{found[part]}' and '{name}', both named like a {part} part: "
                "rename or move one of them"
            )
        found[part] = name
    return found


def _is_class(folder: Path) -> bool:
    """Whether a folder called `train` is of pictures of trains."""
    return holds_pictures(folder) and not subfolders(folder)


def _refuse_without_train(folder: Path, held_out: Sequence[str]) -> None:
    for name in held_out:
        if not holds_pictures(folder / name):
            raise InputError(
                f"{folder} has '{name}' and no train part: add {folder / 'train'}/CLASS/ folders"
            )


def _refuse_strange_classes(folder: Path, names: Sequence[str]) -> None:
    """Refuse folders that are the parts or groups of a dataset rather than its classes."""
    parts = [part_in(name) for name in names]
    alike = [name for name, part in zip(names, parts, strict=True) if part]
    if len({part for part in parts if part}) > 1 and 2 * len(alike) >= len(names):
        raise InputError(
            f"the folders {_listed(alike)} of {folder} are named like parts, not like classes: "
            "name them train, test or val, or give the folder that holds the classes"
        )
    if len(names) < 2:
        return
    first = folder / names[0]
    inner = subfolders(first)
    if len(inner) < 2 or holds_pictures(first):
        return
    if all(subfolders(folder / name) == inner for name in names[1:]):
        raise InputError(
            f"the folders {_listed(names)} of {folder} all hold the same folders, "
            f"{_listed(inner)}, so they are not classes: name them train, test or val, or give one "
            "of them"
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:3]) + (", …" if len(names) > 3 else "")

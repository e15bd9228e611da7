"""Which parquet files of a folder are which part of a dataset.

``DIR/train*.parquet``, ``DIR/data/train*.parquet`` as in a checkout from the hub,
``DIR/train/*.parquet``, or one of these inside one folder more, as the hub's own conversion lays
them (``CONFIG/train/0000.parquet``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.entries import is_rubbish, subfolders
from effsearch.training.data.part_names import part_in, part_of

# Folders that are looked into for a dataset of parquet; a folder of images may have many more.
_CONFIGS = 64


@dataclass(frozen=True, kw_only=True)
class ParquetLayout:
    """Where the parts lie.

    Attributes:
        folder: in which they were found.
        files: of each part, in order.
        others: files that belong to no part.
        notices: what the user should hear of it, a line each.
    """

    folder: Path
    files: Mapping[str, list[Path]]
    others: list[Path]
    notices: tuple[str, ...] = ()


def find_parquet(root: Path) -> ParquetLayout | None:
    """The parquet files of a dataset; None where it has none.

    Raises:
        InputError: several folders of it hold parquet, or one cannot be read.
    """
    own = _layout(root)
    if own is not None:
        return own
    inner = [root / name for name in subfolders(root)[:_CONFIGS] if part_of(name) is None]
    found = [layout for folder in inner if (layout := _layout(folder)) is not None]
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(f"'{layout.folder.name}'" for layout in found[:3])
        raise InputError(
            f"{root} holds several datasets of parquet ({names}): give the folder of one of them"
        )
    (layout,) = found
    line = f"parquet of {root} found in '{layout.folder.name}'"
    return ParquetLayout(
        folder=layout.folder, files=layout.files, others=layout.others, notices=(line,)
    )


def _layout(folder: Path) -> ParquetLayout | None:
    """What a folder itself, its `data`, or its folders called like parts hold."""
    files: dict[str, list[Path]] = {}
    others: list[Path] = []
    for place in (folder, folder / "data"):
        for file in _parquet_in(place):
            part = part_in(file.stem)
            if part is None:
                others.append(file)
            elif part not in files or files[part][0].parent == place:
                files.setdefault(part, []).append(file)
    for name in subfolders(folder):
        part = part_of(name)
        if part is not None and part not in files and (inside := _parquet_in(folder / name)):
            files[part] = inside
    if not files and not others:
        return None
    return ParquetLayout(folder=folder, files=files, others=others)


def _parquet_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() == ".parquet" and not is_rubbish(file.name) and file.is_file()
    )
